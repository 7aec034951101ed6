#include "model/first_layer_use.h"

#include "base/arena.h"
#include "base/key_table.h"
#include "model/thin.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"

#include <stdlib.h>
#include <string.h>

struct first_layer {
    const encoder *m; /* whose they are */
    size_t bytes;     /* that may be used */
    size_t row;       /* floats of a token: 3H */
    int most;         /* tokens there is room for */
    float *kept;      // (number.n, 3H)
    key_table number; /* of a token, in the order of arrival: kept's row */
    /* of the batch at hand */
    int known;       /* tokens that were kept before it */
    int32_t *at;     // (T) kept's row
    int32_t *fresh;  // (number.n - known) the batch's row of each token that is new
    float *gathered; // (number.n - known, H) its input
    size_t cap_kept, cap_at, cap_fresh, cap_gathered;
};

err first_layer_create(size_t bytes, first_layer **out) {
    first_layer *f = NULL;
    CALL(mem_alloc(1, sizeof *f, &f));
    f->bytes = bytes;
    *out = f;
    return OK;
}

void first_layer_destroy(first_layer **ff) {
    first_layer *f = *ff;
    if (!f)
        return;
    free(f->kept);
    key_table_free(&f->number);
    free(f->at);
    free(f->fresh);
    free(f->gathered);
    free(f);
    *ff = NULL;
}

static void forget(first_layer *f) {
    key_table_clear(&f->number);
    f->known = 0;
}

void encoder_ws_remember(encoder_ws *ws, first_layer *f, const encoder *m) {
    ws->kept = gemm_rows_independent() ? f : NULL;
    if (!f)
        return;
    f->m = m;
    f->row = 3 * (size_t)m->c.H;
    const size_t most = f->bytes / (f->row * sizeof *f->kept + KEY_TABLE_BYTES);
    f->most = most < INT32_MAX / 4 ? (int)most : INT32_MAX / 4;
    forget(f);
}

/* a different one for every token: each step can be undone (the finalizer of MurmurHash3) */
static uint64_t key_of(const batch *b, int t, int position) {
    uint64_t x = (uint64_t)b->ids[t] << 32 | (uint64_t)position << 8;
    x |= b->types ? (uint64_t)b->types[t] : 0;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

/* token t of the batch; *full: there is no room for it */
static err place(first_layer *f, const batch *b, int t, int position, int *full) {
    const uint64_t key = key_of(b, t, position);
    f->at[t] = key_table_find(&f->number, key);
    if (f->at[t] >= 0)
        return OK;
    f->at[t] = (int32_t)f->number.n;
    *full = f->at[t] == f->most;
    if (*full)
        return OK;
    f->fresh[f->at[t] - f->known] = t;
    return key_table_add(&f->number, key, f->at[t]);
}

static err place_all(first_layer *f, const batch *b, int *full) {
    *full = 0;
    f->known = (int)f->number.n;
    for (int s = 0; s < b->B && !*full; s++)
        for (int t = b->offsets[s]; t < b->offsets[s + 1] && !*full; t++)
            CALL(place(f, b, t, t - b->offsets[s], full));
    return OK;
}

err first_layer_look(first_layer *f, const encoder *m, const batch *b, int *serves) {
    const size_t T = (size_t)b->T;
    int full = 0;
    err e = OK;
    *serves = 0;
    if (f->m != m || b->delta || m->c.Y > 256 || m->c.P > 1 << 24)
        return OK;
    TRY(mem_grow(T, sizeof *f->at, &f->at, &f->cap_at));
    TRY(mem_grow(T, sizeof *f->fresh, &f->fresh, &f->cap_fresh));
    TRY(mem_grow(T * f->row / 3, sizeof *f->gathered, &f->gathered, &f->cap_gathered));
    TRY(place_all(f, b, &full));
    if (full) {
        forget(f);
        TRY(place_all(f, b, &full));
    }
    TRY(mem_grow(f->number.n * f->row, sizeof *f->kept, &f->kept, &f->cap_kept));
    *serves = !full;
done:
    if (!*serves) /* tokens that were found but are not computed now */
        forget(f);
    return e;
}

void first_layer_qkv(first_layer *f, encoder_ws *ws, float *qkv, const float *h, int T) {
    const encoder *m = f->m;
    const int n = (int)f->number.n - f->known, H = m->c.H;
    if (n > 0) {
        rows_gather(f->gathered, h, f->fresh, n, H);
        float *to = f->kept + (size_t)f->known * f->row;
        if (!thin_qkv(ws, m, 0, to, f->gathered, n))
            linear_forward(to, f->gathered, m->p.query_w, m->p.query_b, n, 3 * H, H, m->c.p);
    }
    rows_gather(qkv, f->kept, f->at, T, 3 * H);
}
