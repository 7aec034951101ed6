#include "model/sparse_file.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int named(const weights *w, const char *name, const char *suffix) {
    char full[256];
    if (snprintf(full, sizeof full, "%s%s", name, suffix) >= (int)sizeof full)
        return -1;
    return weights_find(w, full);
}

int sparse_find(const weights *w, const char *name, int *mask, int *values) {
    *mask = named(w, name, ".mask");
    *values = named(w, name, ".values");
    return *mask >= 0 && *values >= 0;
}

static int bits_of(unsigned byte) {
    int n = 0;
    for (; byte; byte &= byte - 1)
        n++;
    return n;
}

err sparse_check(const weights *w, int mask, int values, int64_t n) {
    const st_array *m = weights_at(w, mask), *v = weights_at(w, values);
    CHECK(m->dtype == ST_U8 && m->count == (n + 7) / 8, ERR_DATA,
          "%s: array %s must be U8 of %lld bytes, a bit for each of %lld weights",
          weights_path(w, mask), m->name, (long long)((n + 7) / 8), (long long)n);
    const unsigned char *bits = m->data;
    int64_t kept = 0;
    for (int64_t i = 0; i < m->count; i++)
        kept += bits_of(bits[i]);
    CHECK(v->dtype == ST_F32 && v->rank == 1 && v->count == kept, ERR_DATA,
          "%s: array %s must be F32 of %lld values, one for each bit of %s",
          weights_path(w, values), v->name, (long long)kept, m->name);
    CHECK(n % 8 == 0 || bits[m->count - 1] >> (n % 8) == 0, ERR_DATA,
          "%s: array %s has bits set behind its last weight", weights_path(w, mask), m->name);
    return OK;
}

err sparse_copy(const weights *w, int mask, int values, float *out, int64_t n) {
    const unsigned char *bits = weights_at(w, mask)->data;
    int64_t kept = weights_at(w, values)->count, at = 0;
    float *v;
    CALL(mem_alloc((size_t)kept + 1, sizeof *v, &v));
    err e = weights_copy(w, values, v, kept);
    for (int64_t i = 0; i < n && e == OK; i++)
        out[i] = bits[i / 8] >> (i % 8) & 1 ? v[at++] : 0.0f;
    free(v);
    return e;
}

static int is_kept(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits != 0;
}

int64_t sparse_split(const float *x, int64_t n, unsigned char *mask, float *values) {
    int64_t kept = 0;
    if (mask)
        memset(mask, 0, (size_t)((n + 7) / 8));
    for (int64_t i = 0; i < n; i++) {
        if (!is_kept(x[i]))
            continue;
        if (mask)
            mask[i / 8] = (unsigned char)(mask[i / 8] | 1u << (i % 8));
        if (values)
            values[kept] = x[i];
        kept++;
    }
    return kept;
}

int sparse_pays(const float *x, int64_t n) {
    return sparse_split(x, n, NULL, NULL) < n - n / 32; /* the mask takes a 32nd */
}
