#include "train/mask.h"

#include "base/rng.h"

err masking_make(const tokenizer *w, uint64_t seed, double share, masking *out) {
    CHECK(w->mask >= 0, ERR_DATA,
          "%s: no [MASK] or <mask> piece, which a masked-language model needs", w->path);
    *out = (masking){
        .seed = seed, .share = share, .V = w->V, .mask = w->mask, .cls = w->cls, .sep = w->sep};
    return OK;
}

int mask_tokens(const masking *k, uint32_t epoch, const batch *b, int32_t *ids, int32_t *positions,
                int32_t *targets) {
    int M = 0;
    for (int s = 0; s < b->B; s++)
        for (int t = b->offsets[s]; t < b->offsets[s + 1]; t++) {
            ids[t] = b->ids[t];
            if (ids[t] == k->cls || ids[t] == k->sep)
                continue;
            uint32_t u[4];
            rng_block(k->seed, RNG_MASK, epoch, (uint32_t)b->example[s],
                      (uint32_t)(t - b->offsets[s]), u);
            if (rng_float(u[0]) >= k->share)
                continue;
            positions[M] = t;
            targets[M++] = b->ids[t];
            double fate = rng_float(u[1]);
            if (fate < 0.8)
                ids[t] = k->mask;
            else if (fate < 0.9)
                ids[t] = (int32_t)((uint64_t)u[2] * (uint64_t)k->V >> 32);
        }
    return M;
}
