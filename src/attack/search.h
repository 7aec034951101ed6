/* search.h: the attack on one example as a machine that can be put aside: it goes on until it wants
 * answers of the victim, which it leaves as questions in an inquiry, or vectors of texts to
 * compare, which it leaves as a wish, and goes on when they are there. So many examples can be on
 * their way and share batches. Private to the attack. */
#ifndef ESPALIER_ATTACK_SEARCH_H
#define ESPALIER_ATTACK_SEARCH_H

#include "attack/constraint.h"
#include "attack/inquiry.h"
#include "attack/parts.h"
#include "base/arena.h"
#include "text/words.h"

typedef struct search search;
typedef err (*search_fn)(search *s);

/* a word and what it is ranked by: lower comes first */
typedef struct ranked {
    double key;
    int index;
} ranked;

struct search {
    attack *a;
    const encoder *victim;
    encoder_ws *ws; /* for gradients only */
    int label;
    attack_result *r;
    arena *memory;             /* of this example */
    inquiry ask;               /* what the victim is asked about */
    search_fn next;            /* what to do when all questions are answered; NULL: it is over */
    uint64_t text;             /* hash of the original */
    wording original, current; /* current shares the gaps */
    double now;                /* probability of the true class for the current text */
    /* questions of this step: number k is query first_query + k of the result */
    int first_query, n_asked;
    size_t cap_asked;
    int *sequence; // (n_asked) which answer of the inquiry
    int32_t *ids;  // (max_length) a question being put
    /* ranking */
    ranked *rank; // (n_rank)
    int n_rank;
    int *offset; // (n_rank + 1) candidates of rank k among the questions
    /* replacing */
    int at;     /* of r->order, the next word to try */
    change c;   /* of the word tried in this step */
    int wishes; /* 1: waits for the vectors of c.texts (1 + c.n) */
};

/* memory and inquiry, for any number of examples; the caller frees */
err search_open(search *s);
void search_close(search *s);

/* Begin with a text; questions may be waiting afterwards. text lives until the end. r is the
 * caller's; ERR_DATA: the label is none of the victim's classes. */
err search_begin(search *s, attack *a, encoder_ws *ws, const encoder *victim, const char *text,
                 int label, attack_result *r);
/* Go on with the answers, until it waits or is over. */
err search_go_on(search *s);
static inline int search_over(const search *s) {
    return !s->next;
}
/* 1: for answers or vectors. */
static inline int search_waits(const search *s) {
    return s->wishes || inquiry_waits(&s->ask);
}

/* --- for ranking and replacing --------------------------------------------------------------- */

/* Questions of a new step. */
void search_begin_step(search *s);
/* Ask about w without word skip (-1: whole). */
err search_ask(search *s, const wording *w, int skip, attack_query q);
/* Ask about the original with [UNK] at word i. */
err search_ask_unknown(search *s, int i, attack_query q);
/* Each of list (n) for word i in the current text. */
err search_ask_candidates(search *s, int i, const char *const *list, const double *alike, int n);
/* Answers of this step: p (K) of question k; of the true class; the class with the highest. */
const double *search_answer(const search *s, int k);
double search_true(const search *s, int k);
int search_predicted(const search *s, int k);
/* The result's margin: how close answer k was between the true class and the others. */
void search_note(search *s, int k);
/* It is over: the current text is the final one. */
err search_finish(search *s);
/* How many more texts the victim may be asked about. */
int64_t search_budget(const search *s);
int search_by_key(const void *a, const void *b); /* of two ranked, for qsort */

/* Rank the words of the original that are no stop words into the result's order, then replace. */
err search_rank(search *s);
/* Replace words in that order until the label changes. */
err search_replace(search *s);

#endif
