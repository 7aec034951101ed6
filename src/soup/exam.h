/* exam.h: held-out examples put to candidate averages, shared out over the ranks example by
 * example.
 *
 * Greedy averaging decides one candidate after another, and at each one's end ranks run dry. They
 * go on with the candidates that may come next, of which at least one will not be needed: its
 * cheapest examples first, because all wait for the last of them. What is found that way is kept on
 * its rank and journalled only when its candidate comes: so results and journals are those of the
 * sequential order, on any number of ranks, and a kill costs the speculation alone. */
#ifndef ESPALIER_SOUP_EXAM_H
#define ESPALIER_SOUP_EXAM_H

#include "soup/ingredient.h"
#include "soup/marks.h"
#include "text/dataset.h"

/* Examples of the probe, i = 0 .. m - 1, for a rank that attacks several at a time. */
typedef struct exam_feed {
    void *state;
    err (*next)(void *state, int *i); /* the next one; < 0: none left for this model */
    /* It is done; sturdy = 1 if the model is right before and after. */
    err (*done)(void *state, int i, int sturdy);
    int64_t (*room)(void *state); /* how many may be on their way now, one at least */
} exam_feed;

/* Attack m on the examples of f until it has none. Not collective. */
typedef err (*exam_attack)(void *state, encoder_ws *ws, const encoder *m, const exam_feed *f);

typedef struct exam_setup {
    const par *p;
    const char *journal_dir; /* NULL: no journal */
    const char *stage;       /* of the journal */
    const soup_ingredient *s;
    const examples *heldout;
    const int32_t *probe; // (m) held-out examples that are attacked, ascending
    const int64_t *order; // (m) in which they are attacked, dearest first
    int m;                /* 0: nothing is attacked, the score is Acc alone */
    exam_attack attack;
    void *state;
} exam_setup;

/* The uniform mean of s[index[0 .. n - 1]], under a name that is the same in every run. */
typedef struct exam_candidate {
    char name[64];
    const int *index; // (n)
    int n;
} exam_candidate;

typedef struct exam exam;

/* Reads the journal of earlier runs. The setup's pointers must stay valid. Caller closes.
 * Collective. */
err exam_open(const exam_setup *s, exam **out);
void exam_close(exam **x);

/* Put every example to the candidates needed (n_needed); while ranks are idle, to those that may be
 * needed next (n_next). ERR_STOPPED: a stop was asked for. Collective. */
err exam_run(exam *x, const exam_candidate *needed, int n_needed, const exam_candidate *next,
             int n_next);

/* What a candidate that was needed got; valid until exam_close. The same on every rank. */
marks exam_marks(const exam *x, const char *name);
/* Examples that this rank did of candidates not needed yet. */
int64_t exam_speculated(const exam *x);

#endif
