#include "sweep/need.h"

#include "base/arena.h"
#include "train/shards.h"

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
    shards = shards < B ? shards : B;
    TRY(longest(x, B, &lengths, &tokens));
    int64_t most = shards > 1 ? tokens / shards + lengths[0] / 2 : tokens;
    while (n < B && sum < most)
        sum += lengths[n++];
    TRY(encoder_ws_bytes(c, lengths, n, (int)(masked * (double)sum), train, &bytes));
    if ((double)bytes > out->activations) {
        out->activations = (double)bytes;
        out->attention = train ? attention_of(c, lengths, n) : 0;
    }
    if (train) /* FreeLB's perturbation, where there is one; the ids of a batch */
        out->other += 4.0 * (double)sum * c->H + 16.0 * B * x->max_length;
done:
    free(lengths);
    return e;
}

/* Blocks of gradients that rank 0 of a group holds at once: the nodes of the tree so far and the
 * shard at hand, see train/reduce.h. */
static int blocks(int shards, int ranks) {
    int most = 0;
    shard_node nodes[SHARDS_MAX];
    for (int n = 1; n <= shards; n++)
        for (int s = 0, end = shards_begin(n, ranks, 1); s < end; s++) {
            int held = shards_nodes(n, 0, s, nodes) + 1;
            most = held > most ? held : most;
        }
    return most;
}

static double states(const char *optimiser, double momentum) {
    return strcmp(optimiser, "sgd") != 0 ? 2 : momentum > 0;
}

/* what a group adds: the sum of a rank's range, and messages of 1 MiB for each shard */
static double messages(double n, int shards, int ranks) {
    return ranks > 1 ? n / ranks + 0x1p20 * shards : 0;
}

err need_finetune(const encoder_config *c, const finetune_options *o, int ranks, const examples *x,
                  const examples *heldout, need *out) {
    double n = 4.0 * (double)encoder_count(c), best = o->early_stop > 0;
    int shards = o->shards > 0 ? (int)o->shards : 1;
    *out = (need){.parameters = n,
                  .gradients = n * blocks(shards, ranks),
                  .moments = (states(o->optimiser, o->momentum) + best) * n / ranks,
                  .other = 16.0 * x->n + messages(n, shards, ranks)};
    CALL(activations(c, x, (int)o->batch, shards, 0, 1, out));
    return activations(c, heldout, 64, 1, 0, 0, out);
}

err need_pretrain(const encoder_config *c, const pretrain_options *o, int ranks, const examples *x,
                  need *out) {
    double n = 4.0 * (double)encoder_count(c);
    int shards = o->shards > 0 ? (int)o->shards : 1;
    *out = (need){.parameters = n,
                  .gradients = n * blocks(shards, ranks),
                  .moments = 2 * n / ranks,
                  .other = 16.0 * x->n + messages(n, shards, ranks)};
    return activations(c, x, (int)o->batch, shards, o->mask, 1, out);
}
