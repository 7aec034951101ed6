/* oracle encoder DIR: hidden states, losses, gradients and five AdamW steps against vectors that
 * another implementation made in float64 from the same float32 weights. */
#include "oracle.h"
#include "oracle_batch.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "model/encoder.h"
#include "train/optimiser.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* relative errors in the Frobenius norm: float32 against float64 through up to three layers */
static const double FORWARD = 1e-5, GRADIENT = 1e-4;

enum { STEPS = 5 };

typedef struct oracle {
    const par *p;
    safetensors *s;
    oracle_batch in;
    encoder *m;
    encoder_ws *ws;
    encoder_array *arrays;
    int n_arrays;
    float *grads; /* (n) */
    int wrong;
} oracle;

/* norms of mine - theirs and of theirs; row t of mine stands against row place[t] */
static err distance(const oracle *o, const char *name, const float *mine, int64_t rows,
                    int64_t cols, const int32_t *place, double *gap, double *size) {
    const st_array *a = safetensors_find(o->s, name);
    CHECK(a && (place ? a->count % cols == 0 : a->count == rows * cols), ERR_DATA,
          "vectors.safetensors: array %s is missing or not of the expected size", name);
    double *theirs, d2 = 0.0, s2 = 0.0;
    CALL(mem_alloc((size_t)a->count, sizeof *theirs, &theirs));
    err e = st_copy_f64(o->s, a, theirs, a->count);
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

static void report(oracle *o, const char *group, double worst, double tolerance,
                   const char *where) {
    int ok = worst < tolerance;
    o->wrong += !ok;
    if (o->p->rank == 0)
        printf("%-16s worst %.1e  tolerance %g  %s  %s\n", group, worst, tolerance,
               ok ? "ok" : "WRONG", where);
}

static err compare(oracle *o, const char *name, const float *mine, int64_t rows, int64_t cols,
                   const int32_t *place, double tolerance) {
    double gap, size;
    CALL(distance(o, name, mine, rows, cols, place, &gap, &size));
    report(o, name, gap / size, tolerance, "");
    return OK;
}

/* Every array of a block. A key bias shifts all scores of a row alike, which softmax does not see:
 * its true gradient is 0, so it is held against the gradient of the key weights, and not after
 * AdamW, which magnifies it to full steps of either sign. */
static err compare_block(oracle *o, const char *prefix, const float *block) {
    double worst = 0.0, key_size = 0.0;
    const char *where = "";
    for (int i = 0; i < o->n_arrays; i++) {
        const encoder_array *a = &o->arrays[i];
        char name[2 * ENCODER_NAME_BYTES];
        double gap, size;
        snprintf(name, sizeof name, "%s%s", prefix, a->name);
        int key_bias = strstr(name, "self.key.bias") != NULL;
        if (!safetensors_find(o->s, name) || (key_bias && strcmp(prefix, "adamw.") == 0))
            continue; /* heads that the loss does not reach have no gradient in the file */
        CALL(distance(o, name, block + a->offset, a->rows, a->cols, NULL, &gap, &size));
        if (strstr(name, "self.key.weight"))
            key_size = size;
        double d = gap / (key_bias ? key_size : size);
        if (!(d <= worst)) {
            worst = d;
            where = a->name;
        }
    }
    report(o, prefix, worst, GRADIENT, where);
    return OK;
}

static err compare_forward(oracle *o) {
    const encoder_config *c = &o->m->c;
    const float *logits;
    CALL(encoder_forward(o->ws, o->m, &o->in.b, NULL, 1));
    for (int l = 0; l <= c->L; l++) {
        char name[32];
        snprintf(name, sizeof name, "hidden.%d", l);
        CALL(compare(o, name, encoder_hidden(o->ws, l), o->in.b.T, c->H, o->in.place, FORWARD));
    }
    CALL(encoder_classify(o->ws, o->m, &o->in.b, NULL, &logits));
    CALL(compare(o, "pooled", encoder_pooled(o->ws), o->in.b.B, c->H, NULL, FORWARD));
    return compare(o, "logits", logits, o->in.b.B, c->K, NULL, FORWARD);
}

static err compare_loss(oracle *o, const char *name, double sum, int n) {
    float mean = (float)(sum / n);
    return compare(o, name, &mean, 1, 1, NULL, FORWARD);
}

static err compare_gradients(oracle *o) {
    double loss;
    CALL(encoder_classify_step(o->ws, o->m, &o->in.b, NULL, 1.0f, o->grads, &loss));
    CALL(compare_loss(o, "loss", loss, o->in.b.B));
    CALL(compare_block(o, "grad.", o->grads));
    memset(o->grads, 0, o->m->n * sizeof *o->grads);
    CALL(encoder_mlm_step(o->ws, o->m, &o->in.b, o->in.positions, o->in.targets, o->in.M, NULL,
                          1.0f, o->grads, &loss));
    CALL(compare_loss(o, "mlm.loss", loss, o->in.M));
    return compare_block(o, "mlm.grad.", o->grads);
}

static err compare_adamw(oracle *o) {
    float losses[STEPS], norms[STEPS];
    adamw *opt = NULL;
    err e;
    TRY(adamw_create(&o->m->c, 0.01, &opt));
    for (int i = 0; i < STEPS; i++) {
        double loss;
        memset(o->grads, 0, o->m->n * sizeof *o->grads);
        TRY(encoder_classify_step(o->ws, o->m, &o->in.b, NULL, 1.0f, o->grads, &loss));
        double norm = gradient_norm(o->grads, o->m->n);
        losses[i] = (float)(loss / o->in.b.B);
        norms[i] = (float)norm;
        adamw_step(opt, o->m->block, o->grads, 1e-3, clip_scale(norm, 1.0));
    }
    TRY(compare(o, "adamw.losses", losses, 1, STEPS, NULL, GRADIENT));
    TRY(compare(o, "adamw.grad_norms", norms, 1, STEPS, NULL, GRADIENT));
    TRY(compare_block(o, "adamw.", o->m->block));
done:
    adamw_destroy(&opt);
    return e;
}

err oracle_encoder(const par *p, const char *dir) {
    oracle o = {.p = p};
    encoder_want want = {.classes = -1, .mlm = 1};
    char path[4096];
    err e;
    TRY(path_join(path, dir, "vectors.safetensors"));
    TRY(safetensors_open(path, &o.s));
    TRY(oracle_batch_read(o.s, &o.in));
    TRY(encoder_load(dir, want, &o.m));
    TRY(encoder_ws_create(&o.m->c, &o.ws));
    TRY(mem_alloc(o.m->n, sizeof *o.grads, &o.grads));
    o.n_arrays = encoder_arrays(&o.m->c, NULL, 0);
    TRY(mem_alloc((size_t)o.n_arrays, sizeof *o.arrays, &o.arrays));
    encoder_arrays(&o.m->c, o.arrays, o.n_arrays);
    TRY(compare_forward(&o));
    TRY(compare_gradients(&o));
    TRY(compare_adamw(&o));
    ENSURE(o.wrong == 0, ERR_FAILED, "%s: %d figures are outside their tolerance", dir, o.wrong);
done:
    safetensors_close(&o.s);
    oracle_batch_free(&o.in);
    encoder_destroy(&o.m);
    encoder_ws_destroy(&o.ws);
    free(o.arrays);
    free(o.grads);
    return e;
}
