#include "oracle_batch.h"

#include "base/arena.h"

#include <stdlib.h>

/* a whole array as int32, allocated: (count) */
static err whole(const safetensors *s, const char *name, int64_t count, int32_t **out) {
    const st_array *a = safetensors_find(s, name);
    CHECK(a && a->count == count, ERR_DATA,
          "vectors.safetensors: array %s is missing or not of %lld elements", name,
          (long long)count);
    CALL(mem_alloc((size_t)count, sizeof **out, out));
    return st_copy_i32(s, a, *out, count);
}

static err pack(oracle_batch *o, const int32_t *lengths, const int32_t *ids, const int32_t *types,
                int B, int S) {
    for (int b = 0; b < B; b++) {
        CHECK(lengths[b] > 0 && lengths[b] <= S, ERR_DATA,
              "vectors.safetensors: sequence %d has length %d of %d", b, lengths[b], S);
        int first = o->offsets[b];
        o->offsets[b + 1] = first + lengths[b];
        for (int t = 0; t < lengths[b]; t++) {
            o->place[first + t] = b * S + t;
            o->ids[first + t] = ids[b * S + t];
            o->types[first + t] = types[b * S + t];
        }
    }
    o->b = (batch){.B = B,
                   .T = o->offsets[B],
                   .ids = o->ids,
                   .types = o->types,
                   .offsets = o->offsets,
                   .labels = o->labels};
    return OK;
}

/* positions in the padded batch become packed ones */
static err repack(oracle_batch *o) {
    for (int i = 0; i < o->M; i++) {
        int t = 0;
        while (t < o->b.T && o->place[t] != o->positions[i])
            t++;
        CHECK(t < o->b.T, ERR_DATA, "vectors.safetensors: mlm.positions %d is padding",
              o->positions[i]);
        o->positions[i] = t;
    }
    return OK;
}

err oracle_batch_read(const safetensors *s, oracle_batch *o) {
    const st_array *a = safetensors_find(s, "input_ids"), *m = safetensors_find(s, "mlm.positions");
    int32_t *ids = NULL, *types = NULL, *lengths = NULL;
    CHECK(a && a->rank == 2 && m && a->count < 1 << 20 && m->count < 1 << 20, ERR_DATA,
          "vectors.safetensors: arrays input_ids (B, S) and mlm.positions (M) are wanted");
    int B = (int)a->shape[0], S = (int)a->shape[1];
    size_t all = (size_t)a->count;
    o->M = (int)m->count;
    err e;
    TRY(mem_alloc(all, sizeof *o->ids, &o->ids));
    TRY(mem_alloc(all, sizeof *o->types, &o->types));
    TRY(mem_alloc(all, sizeof *o->place, &o->place));
    TRY(mem_alloc((size_t)B + 1, sizeof *o->offsets, &o->offsets));
    TRY(whole(s, "input_ids", a->count, &ids));
    TRY(whole(s, "token_type_ids", a->count, &types));
    TRY(whole(s, "lengths", B, &lengths));
    TRY(whole(s, "labels", B, &o->labels));
    TRY(whole(s, "mlm.positions", o->M, &o->positions));
    TRY(whole(s, "mlm.targets", o->M, &o->targets));
    TRY(pack(o, lengths, ids, types, B, S));
    TRY(repack(o));
done:
    free(ids);
    free(types);
    free(lengths);
    return e;
}

void oracle_batch_free(oracle_batch *o) {
    free(o->ids);
    free(o->types);
    free(o->place);
    free(o->offsets);
    free(o->labels);
    free(o->positions);
    free(o->targets);
}
