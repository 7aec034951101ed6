/* result.h: what became of one example under attack, its line in the journal, and its part of the
 * counts. Not collective. */
#ifndef ESPALIER_ATTACK_RESULT_H
#define ESPALIER_ATTACK_RESULT_H

#include "base/err.h"
#include "base/strbuf.h"
#include "eval/metrics.h"

#include <stdint.h>

typedef enum attack_outcome {
    ATTACK_SKIPPED,
    ATTACK_SUCCESS,
    ATTACK_FAILED,
    ATTACK_ERRORED
} attack_outcome;

/* What a text was asked for. */
typedef enum attack_purpose { QUERY_ORIGINAL, QUERY_RANK, QUERY_CANDIDATE } attack_purpose;

/* One text that the victim was asked about, in the order of asking. */
typedef struct attack_query {
    uint64_t text; /* hash_u64 of its bytes */
    double prob;   /* of the true class */
    int predicted;
    attack_purpose purpose;
    int word;          /* that differs from the text the search was at; -1: the original */
    double similarity; /* to that text; NaN: not tested */
    int taken;         /* 1: the search went on from this text */
} attack_query;

/* A word that the search put another in the place of, in the order of doing so. */
typedef struct attack_change {
    int word;        /* its index in the original text */
    char *from, *to; /* owned */
} attack_change;

typedef struct attack_result {
    attack_outcome outcome;
    int label;
    int words, changed;
    int cut;                 /* 1: the victim reads only the beginning of the text */
    int64_t queries;         /* 1 + words ranked + candidates scored */
    double prob, final_prob; /* of the true class, before and after */
    double similarity;       /* lowest accepted window similarity; NaN: not tested */
    double rank_gap, margin; /* smallest differences that decided something */
    int *order, n_order;     /* (n_order) ranked word indices, most important first; owned */
    char *final_text;        /* owned; of an errored example its message */
    attack_query *query;     /* (n_query) every query, none where attack.trace is 0; owned */
    int n_query;
    size_t cap_query;
    attack_change *change; /* (changed) owned */
} attack_result;
void attack_result_free(attack_result *r);

const char *attack_outcome_name(attack_outcome o); /* "skipped", … */

/* One more query: the search calls this for every answer it counts. */
err attack_result_add(attack_result *r, const attack_query *q);

/* One more word changed: counts it in r->changed too. */
err attack_result_change(attack_result *r, int word, const char *from, const char *to);

/* One line of JSON, and back. record: appended to, without a newline. Caller frees r. */
err attack_result_write(const attack_result *r, strbuf *record);
err attack_result_read(const char *record, attack_result *r);

/* Add r to the counts. */
void attack_result_count(const attack_result *r, attack_counts *c);

#endif
