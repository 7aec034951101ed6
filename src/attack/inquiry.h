/* inquiry.h: what one example asks a model about: sequences of ids and the answers to them.
 *
 * A sequence that was asked about before, found by a hash of its ids, has its answer already: so
 * texts that a model cannot tell apart (cut at its positions) cost one forward pass together. Not
 * collective. */
#ifndef ESPALIER_ATTACK_INQUIRY_H
#define ESPALIER_ATTACK_INQUIRY_H

#include "base/key_table.h"

typedef struct inquiry {
    int K;
    int n;           /* distinct sequences */
    int sent;        /* of them handed to the model */
    int answered;    /* of them answered */
    double *p;       // (n, K) answers
    int first;       /* sequence at offset[0]: those before are answered and forgotten */
    int32_t *ids;    /* of sequences first .. n - 1 */
    int64_t *offset; // (n - first + 1) into ids
    size_t cap_p, cap_offset, cap_ids; /* elements there is memory for */
    key_table sequence;                /* by hash of the ids */
} inquiry;

/* Empty, for a model of K classes; memory is kept. */
void inquiry_begin(inquiry *q, int K);
void inquiry_free(inquiry *q);

/* Ask about ids (n); *sequence: which answer it will be. */
err inquiry_ask(inquiry *q, const int32_t *ids, int n, int *sequence);

/* 1 while some sequence has no answer. */
static inline int inquiry_waits(const inquiry *q) {
    return q->answered < q->n;
}
/* The next sequence to send: its ids and their number; call only while sent < n. */
const int32_t *inquiry_next(const inquiry *q, int *n);
/* The probabilities (K) of sequence i. */
static inline double *inquiry_answer(const inquiry *q, int i) {
    return q->p + (int64_t)i * q->K;
}

#endif
