/* transfer.h: adversarial texts made on one model, tried on others.
 *
 * Of model A's successes, those whose original B gets right count: B is fooled by the ones that it
 * gets wrong after the change. Every text was made to fool A; that it fools B too is what
 * transfers. A on itself is all of them: a check. */
#ifndef ESPALIER_ATTACK_TRANSFER_H
#define ESPALIER_ATTACK_TRANSFER_H

#include "attack/result.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"
#include "text/tokenizer.h"

typedef struct transfer transfer; /* the adversarial texts of all models */

typedef struct transfer_counts {
    int64_t made;   /* successes on A */
    int64_t right;  /* of their originals, those that B gets right */
    int64_t fooled; /* of these, those that B gets wrong as changed */
} transfer_counts;

/* results[a] (n): what the attack on model a = 0 .. models - 1 came to, example by example; not
 * owned, kept until destroyed. max_length: of the sequences. Caller destroys. Not collective. */
err transfer_create(const attack_result *const *results, int models, int n, const tokenizer *w,
                    int max_length, transfer **out);
void transfer_destroy(transfer **t);

/* Try all of them on m, which is model b under this name: counts (models), one for each A.
 * Batches of texts are units over the ranks, journalled in journal_dir (NULL: not) under
 * "transfer"; another list of texts has another key there. Collective. */
err transfer_try(const par *p, const transfer *t, const encoder *m, int b, const char *name,
                 const char *journal_dir, transfer_counts *counts);

#endif
