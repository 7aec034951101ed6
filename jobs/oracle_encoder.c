/* oracle encoder DIR: hidden states, losses, gradients and five AdamW steps against vectors that
 * another implementation made in float64 from the same float32 weights. */
#include "oracle.h"
#include "oracle_batch.h"
#include "oracle_figures.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "model/encoder.h"
#include "train/clip.h"
#include "train/optimiser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* relative errors in the Frobenius norm: float32 against float64 through up to three layers */
static const double FORWARD = 1e-5, GRADIENT = 1e-4;

enum { STEPS = 5 };

typedef struct oracle {
    figures f;
    oracle_batch in;
    encoder *m;
    encoder_ws *ws;
    float *grads; /* (n) */
} oracle;

static err compare_forward(oracle *o) {
    const encoder_config *c = &o->m->c;
    const float *logits;
    CALL(encoder_forward(o->ws, o->m, &o->in.b, NULL, 1));
    for (int l = 0; l <= c->L; l++) {
        char name[32];
        snprintf(name, sizeof name, "hidden.%d", l);
        CALL(figures_compare(&o->f, name, encoder_hidden(o->ws, l), o->in.b.T, c->H, o->in.place,
                             FORWARD));
    }
    CALL(encoder_classify(o->ws, o->m, &o->in.b, NULL, &logits));
    CALL(figures_compare(&o->f, "pooled", encoder_pooled(o->ws), o->in.b.B, c->H, NULL, FORWARD));
    return figures_compare(&o->f, "logits", logits, o->in.b.B, c->K, NULL, FORWARD);
}

static err compare_loss(oracle *o, const char *name, double sum, int n) {
    float mean = (float)(sum / n);
    return figures_compare(&o->f, name, &mean, 1, 1, NULL, FORWARD);
}

static err compare_gradients(oracle *o) {
    double loss;
    CALL(encoder_classify_step(o->ws, o->m, &o->in.b, NULL, 1.0f, o->grads, &loss));
    CALL(compare_loss(o, "loss", loss, o->in.b.B));
    CALL(figures_block(&o->f, "grad.", o->grads, GRADIENT));
    memset(o->grads, 0, o->m->n * sizeof *o->grads);
    CALL(encoder_mlm_step(o->ws, o->m, &o->in.b, o->in.positions, o->in.targets, o->in.M, NULL,
                          1.0f, o->grads, &loss));
    CALL(compare_loss(o, "mlm.loss", loss, o->in.M));
    return figures_block(&o->f, "mlm.grad.", o->grads, GRADIENT);
}

static err compare_adamw(oracle *o) {
    float losses[STEPS], norms[STEPS];
    optimiser *opt = NULL;
    err e;
    optimiser_rule rule = optimiser_adamw(0.01);
    TRY(optimiser_create(&o->m->c, &rule, 0, o->m->n, &opt));
    for (int i = 0; i < STEPS; i++) {
        double loss;
        memset(o->grads, 0, o->m->n * sizeof *o->grads);
        TRY(encoder_classify_step(o->ws, o->m, &o->in.b, NULL, 1.0f, o->grads, &loss));
        double norm = gradient_norm(o->grads, o->m->n);
        losses[i] = (float)(loss / o->in.b.B);
        norms[i] = (float)norm;
        optimiser_step(opt, o->m->block, o->grads, NULL, 1e-3, clip_scale(norm, 1.0));
    }
    TRY(figures_compare(&o->f, "adamw.losses", losses, 1, STEPS, NULL, GRADIENT));
    TRY(figures_compare(&o->f, "adamw.grad_norms", norms, 1, STEPS, NULL, GRADIENT));
    TRY(figures_block(&o->f, "adamw.", o->m->block, GRADIENT));
done:
    optimiser_destroy(&opt);
    return e;
}

err oracle_encoder(const par *p, const char *dir) {
    oracle o = {0};
    encoder_want want = {.classes = -1, .mlm = 1};
    char path[4096];
    err e;
    TRY(path_join(path, dir, "vectors.safetensors"));
    TRY(figures_open(p, path, &o.f));
    TRY(oracle_batch_read(o.f.s, &o.in));
    TRY(encoder_load(dir, want, &o.m));
    TRY(encoder_ws_create(&o.m->c, &o.ws));
    TRY(mem_alloc(o.m->n, sizeof *o.grads, &o.grads));
    TRY(figures_layout(&o.f, &o.m->c));
    TRY(compare_forward(&o));
    TRY(compare_gradients(&o));
    TRY(compare_adamw(&o));
    ENSURE(o.f.wrong == 0, ERR_FAILED, "%s: %d figures are outside their tolerance", dir,
           o.f.wrong);
done:
    figures_close(&o.f);
    oracle_batch_free(&o.in);
    encoder_destroy(&o.m);
    encoder_ws_destroy(&o.ws);
    free(o.grads);
    return e;
}
