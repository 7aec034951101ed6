#include "oracle_figures.h"

#include "base/arena.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

err figures_open(const par *p, const char *path, figures *f) {
    *f = (figures){.p = p};
    return safetensors_open(path, &f->s);
}

err figures_layout(figures *f, const encoder_config *c) {
    f->n_arrays = encoder_arrays(c, NULL, 0);
    CALL(mem_alloc((size_t)f->n_arrays, sizeof *f->arrays, &f->arrays));
    encoder_arrays(c, f->arrays, f->n_arrays);
    return OK;
}

void figures_close(figures *f) {
    safetensors_close(&f->s);
    free(f->arrays);
}

/* norms of mine - theirs and of theirs; row t of mine stands against row place[t] */
static err distance(const figures *f, const char *name, const float *mine, int64_t rows,
                    int64_t cols, const int32_t *place, double *gap, double *size) {
    const st_array *a = safetensors_find(f->s, name);
    CHECK(a && (place ? a->count % cols == 0 : a->count == rows * cols), ERR_DATA,
          "vectors.safetensors: array %s is missing or not of the expected size", name);
    double *theirs, d2 = 0.0, s2 = 0.0;
    CALL(mem_alloc((size_t)a->count, sizeof *theirs, &theirs));
    err e = st_copy_f64(f->s, a, theirs, a->count);
    for (int64_t i = 0; i < rows * cols && e == OK; i++) {
        double x = theirs[(place ? place[i / cols] : i / cols) * cols + i % cols];
        d2 += ((double)mine[i] - x) * ((double)mine[i] - x);
        s2 += x * x;
    }
    free(theirs);
    *gap = sqrt(d2);
    *size = sqrt(s2);
    return e;
}

static void report(figures *f, const char *group, double worst, double tolerance,
                   const char *where) {
    int ok = worst < tolerance;
    f->wrong += !ok;
    if (f->p->rank == 0)
        printf("%-16s worst %.1e  tolerance %g  %s  %s\n", group, worst, tolerance,
               ok ? "ok" : "WRONG", where);
}

err figures_compare(figures *f, const char *name, const float *mine, int64_t rows, int64_t cols,
                    const int32_t *place, double tolerance) {
    double gap, size;
    CALL(distance(f, name, mine, rows, cols, place, &gap, &size));
    report(f, name, gap / size, tolerance, "");
    return OK;
}

/* Every array of a block. A key bias shifts all scores of a row alike, which softmax does not see:
 * its true gradient is 0, so it is held against the gradient of the key weights, and not after
 * AdamW, which magnifies it to full steps of either sign. */
err figures_block(figures *f, const char *prefix, const float *block, double tolerance) {
    double worst = 0.0, key_size = 0.0;
    const char *where = "";
    for (int i = 0; i < f->n_arrays; i++) {
        const encoder_array *a = &f->arrays[i];
        char name[2 * ENCODER_NAME_BYTES];
        double gap, size;
        snprintf(name, sizeof name, "%s%s", prefix, a->name);
        int key_bias = strstr(name, "self.key.bias") != NULL;
        if (!safetensors_find(f->s, name) || (key_bias && strcmp(prefix, "adamw.") == 0))
            continue; /* heads that the loss does not reach have no gradient in the file */
        CALL(distance(f, name, block + a->offset, a->rows, a->cols, NULL, &gap, &size));
        if (strstr(name, "self.key.weight"))
            key_size = size;
        double d = gap / (key_bias ? key_size : size);
        if (!(d <= worst)) {
            worst = d;
            where = a->name;
        }
    }
    report(f, prefix, worst, tolerance, where);
    return OK;
}
