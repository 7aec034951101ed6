#include "sweep/need.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

double need_total(const need *n) {
    return n->parameters + n->gradients + n->moments + n->activations + n->other;
}

static int longer_first(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x > y ? -1 : x < y;
}

/* The longest B sequences of x: no batch of B has more tokens. lengths (x->n); tokens: their sum.
 */
static err longest(const examples *x, int B, int32_t **lengths, int64_t *tokens) {
    CALL(mem_alloc((size_t)x->n + 1, sizeof **lengths, lengths));
    for (int i = 0; i < x->n; i++)
        (*lengths)[i] = (int32_t)(x->offset[i + 1] - x->offset[i]);
    qsort(*lengths, (size_t)x->n, sizeof **lengths, longer_first);
    *tokens = 0;
    for (int i = 0; i < B; i++)
        *tokens += (*lengths)[i];
    return OK;
}

static double attention_of(const encoder_config *c, const int32_t *lengths, int B) {
    double squares = 0;
    for (int i = 0; i < B; i++)
        squares += (double)lengths[i] * lengths[i];
    return 4.0 * c->L * c->A * squares;
}

/* Activations of the largest shard of a batch of B: no more than its share of the tokens and one
 * sequence, as the longest ones. */
static err activations(const encoder_config *c, const examples *x, int B, int shards, double masked,
                       int train, need *out) {
    int32_t *lengths = NULL;
    int64_t tokens, sum = 0;
    int n = 0;
    size_t bytes = 0;
    err e;
    B = B < x->n ? B : x->n;
    TRY(longest(x, B, &lengths, &tokens));
    int64_t most = shards > 1 ? tokens / shards + lengths[0] : tokens;
    while (n < B && sum < most)
        sum += lengths[n++];
    TRY(encoder_ws_bytes(c, lengths, n, (int)(masked * (double)sum), train, &bytes));
    if ((double)bytes > out->activations) {
        out->activations = (double)bytes;
        out->attention = train ? attention_of(c, lengths, n) : 0;
    }
    /* one step of FreeLB needs a perturbation as large as the embeddings */
    out->other += 4.0 * (double)sum * c->H;
done:
    free(lengths);
    return e;
}

err need_finetune(const encoder_config *c, const finetune_options *o, int ranks, const examples *x,
                  const examples *heldout, need *out) {
    double n = 4.0 * (double)encoder_count(c);
    double states = strcmp(o->optimiser, "sgd") != 0 ? 2 : o->momentum > 0;
    *out = (need){.parameters = n, .gradients = n, .moments = states * n / ranks};
    out->other = 16.0 * x->n;
    CALL(activations(c, x, (int)o->batch, 1, 0, 1, out));
    return activations(c, heldout, 64, 1, 0, 0, out);
}

err need_pretrain(const encoder_config *c, const pretrain_options *o, int ranks, const examples *x,
                  need *out) {
    double n = 4.0 * (double)encoder_count(c);
    *out = (need){.parameters = n, .gradients = 3 * n, .moments = 2 * n / ranks};
    out->other = 16.0 * x->n;
    return activations(c, x, (int)o->batch, 8, o->mask, 1, out);
}
