/* attack_bench.h: for bench_attack: the models of a table under TextFooler on SST-2's validation
 * sentences, and how fast an attack and plain forward passes go. Seconds are of CPU time. Not
 * collective. */
#ifndef ESPALIER_BENCH_ATTACK_BENCH_H
#define ESPALIER_BENCH_ATTACK_BENCH_H

#include "workload.h"

#include "attack/attack.h"

enum { ATTACK_MODELS = 6, ATTACK_WAYS = 6 };

/* how sentence similarity is computed */
typedef struct attack_way {
    const char *name, *source, *precision;
    const char *size; /* of the encoder; "": the victims'; NULL: none */
    int whole; /* 1: all of its layers; 0: as many as a study's start encoder has by default */
} attack_way;
extern const attack_way ATTACK_WAY[ATTACK_WAYS];
int attack_ways(void); /* how many of them this CPU can */

typedef struct attack_bench {
    const char *data;
    const char *name; /* of the victims' size, or "given" */
    char vectors[OPTION_TEXT_BYTES];
    tokenizer *w;
    dataset rows;
    int n; /* models */
    encoder *victim[ATTACK_MODELS];
    encoder *judge;  /* NULL: not by an encoder */
    encoder judging; /* its layers that are computed, a view */
    encoder_ws *ws, *judge_ws;
    attack *a;        /* of the way that is open */
    attack_result *r; // (rows.n)
} attack_bench;

/* The first `rows` sentences and n victims: folders[i] (n); NULL: encoders of size z with random
 * weights, each of another seed, that take a candidate for nearly every word and never give way, so
 * that every word's candidates are asked about. ERR_USAGE: no ESPALIER_DATA. Caller closes. */
err attack_bench_open(const size *z, const char *const *folders, int n, int rows,
                      attack_bench *out);
void attack_bench_close(attack_bench *b);

/* An attack with this way of similarity, of which nothing is known yet. Caller closes before the
 * next one and before attack_bench_close. */
err attack_bench_begin(attack_bench *b, const attack_way *by);
void attack_bench_end(attack_bench *b);
void attack_bench_forget(attack_bench *b); /* the results */

/* what an attack on some rows took */
typedef struct attack_work {
    double seconds;
    int64_t tokens; /* of the victim's forward passes */
    int64_t judged; /* of the similarity encoder's */
} attack_work;
/* Model m on rows first .. first + n - 1. */
err attack_bench_attack(attack_bench *b, int m, int first, int n, attack_work *out);

/* Tokens a second of plain forward passes in batches of 32, each row as often as the last attack
 * asked about it: classification by model m; m < 0: all hidden states of the similarity encoder. */
err attack_bench_plain(attack_bench *b, int m, int first, int n, double *rate);

#endif
