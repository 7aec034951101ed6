/* what a model's folder and a .safetensors file hold */
#include "info.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/safetensors.h"
#include "model/encoder.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *dtype_name(st_dtype t) {
    static const char *const names[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL"};
    return names[t];
}

err info_arrays(const char *path, strbuf *out) {
    safetensors *s = NULL;
    int64_t values = 0;
    err e;
    TRY(safetensors_open(path, &s));
    TRY(strbuf_printf(out, "%s: %d arrays\n", path, safetensors_count(s)));
    for (int i = 0; i < safetensors_count(s); i++) {
        const st_array *a = safetensors_at(s, i);
        TRY(strbuf_printf(out, "  %-64s %-5s (", a->name, dtype_name(a->dtype)));
        for (int d = 0; d < a->rank; d++)
            TRY(strbuf_printf(out, "%s%" PRId64, d ? ", " : "", a->shape[d]));
        TRY(strbuf_printf(out, ")\n"));
        values += a->count;
    }
    TRY(strbuf_printf(out, "  %" PRId64 " values\n", values));
done:
    safetensors_close(&s);
    return e;
}

typedef struct share {
    int64_t zeros, n;
} share;

static void count_zeros(share *s, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        s->zeros += x[i] == 0.0f;
    s->n += (int64_t)n;
}

static err print_share(strbuf *out, const char *what, int layer, share s) {
    if (layer >= 0)
        CALL(strbuf_printf(out, "    layer %-7d", layer));
    return strbuf_printf(out, "  %s%" PRId64 ", %" PRId64 " of them zero (%.2f %%)\n", what, s.n,
                         s.zeros, s.n ? 100.0 * (double)s.zeros / (double)s.n : 0.0);
}

/* zeros among the weights that pruning may remove: of all layers, and of each if there are any */
static err print_sparsity(const encoder *m, strbuf *out) {
    encoder_array *arrays = NULL;
    share *layer = NULL, all = {0, 0};
    int n = encoder_arrays(&m->c, NULL, 0);
    err e;
    TRY(mem_alloc((size_t)n, sizeof *arrays, &arrays));
    TRY(mem_alloc((size_t)m->c.L, sizeof *layer, &layer));
    encoder_arrays(&m->c, arrays, n);
    for (int i = 0; i < n; i++) {
        const encoder_array *a = &arrays[i];
        if (a->prunable && a->layer >= 0)
            count_zeros(&layer[a->layer], m->block + a->offset, (size_t)a->rows * (size_t)a->cols);
    }
    for (int l = 0; l < m->c.L; l++) {
        all.zeros += layer[l].zeros;
        all.n += layer[l].n;
    }
    TRY(print_share(out, "prunable weights ", -1, all));
    for (int l = 0; l < m->c.L && all.zeros > 0; l++)
        TRY(print_share(out, "", l, layer[l]));
done:
    free(arrays);
    free(layer);
    return e;
}

static err print_config(const encoder_config *c, strbuf *out) {
    CALL(strbuf_printf(
        out, "  %d layers, %d wide, %d heads, feed-forward %d, %d positions, vocabulary %d\n", c->L,
        c->H, c->A, c->F, c->P, c->V));
    CALL(strbuf_printf(out, "  masked-language head: %s; classes: ", c->mlm ? "yes" : "no"));
    for (int k = 0; k < c->K; k++)
        CALL(strbuf_printf(out, "%s%s", k ? ", " : "", c->label[k]));
    return strbuf_printf(out, "%s\n", c->K ? "" : "none");
}

err info_model(const char *dir, strbuf *out) {
    encoder *m = NULL;
    char weights[4096], hex[65];
    int64_t bytes;
    err e;
    TRY(encoder_load(dir, (encoder_want){.classes = -1, .mlm = -1}, &m));
    TRY(path_join(weights, dir, "model.safetensors"));
    TRY(hash_file(weights, hex, &bytes));
    TRY(strbuf_printf(out, "%s: %s encoder\n", dir, encoder_family_in(&m->c)->name));
    TRY(print_config(&m->c, out));
    TRY(strbuf_printf(out, "  parameters %zu, %.1f MiB on disk\n", m->n, (double)bytes / 0x1p20));
    TRY(print_sparsity(m, out));
    TRY(strbuf_printf(out, "  SHA-256 of the weights %s\n", hex));
done:
    encoder_destroy(&m);
    return e;
}
