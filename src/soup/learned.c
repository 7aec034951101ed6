#include "soup/learned.h"

#include "base/arena.h"
#include "eval/accuracy.h"
#include "io/hash.h"
#include "io/json.h"
#include "soup/mix.h"
#include "work/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what a rank holds while it works on one step */
typedef struct learner {
    const learned_setup *s;
    const double *a; // (n) the step's weights
    encoder *m;      /* their average; NULL: not made yet */
    float *grads;    // a block
    double *dots;    // (n)
    encoder_ws *ws;
    packer *pack;
} learner;

static err take_up(learner *l) {
    const learned_setup *s = l->s;
    if (l->m)
        return OK;
    CALL(soup_mix(s->s, s->index, l->a, s->n, &l->m));
    if (!l->grads)
        CALL(mem_alloc(l->m->n, sizeof *l->grads, &l->grads));
    if (!l->ws)
        CALL(encoder_ws_create(&l->m->c, &l->ws));
    return l->pack ? OK : packer_create(s->heldout, ACCURACY_BATCH, &l->pack);
}

/* One batch: the sum of its losses and of their derivatives by each a_i. */
static err batch_unit(void *state, int64_t unit, strbuf *record) {
    learner *l = state;
    const learned_setup *s = l->s;
    const int first = (int)unit * ACCURACY_BATCH, left = s->heldout->n - first;
    int32_t rows[ACCURACY_BATCH];
    int B = left < ACCURACY_BATCH ? left : ACCURACY_BATCH;
    double loss;
    batch b;
    CALL(take_up(l));
    for (int i = 0; i < B; i++)
        rows[i] = first + i;
    CALL(packer_pack(l->pack, rows, B, &b));
    memset(l->grads, 0, l->m->n * sizeof *l->grads);
    CALL(encoder_classify_step(l->ws, l->m, &b, NULL, (float)B, l->grads, &loss));
    CALL(soup_dots(s->s, s->index, s->n, &l->m->c, l->grads, l->dots));
    CALL(strbuf_printf(record, "[%.17g", isfinite(loss) ? loss : -1.0));
    for (int i = 0; i < s->n; i++)
        CALL(strbuf_printf(record, ",%.17g", isfinite(l->dots[i]) ? l->dots[i] : 0.0));
    return strbuf_printf(record, "]");
}

/* Add a record's numbers to sum (1 + n). */
static err add_record(const char *record, int n, double *sum) {
    json_t *o;
    CALL(json_parse(record, "journal of learned", &o));
    err e = OK;
    const double loss = json_number_value(json_array_get(o, 0));
    ENSURE(json_array_size(o) == (size_t)n + 1, ERR_DATA,
           "journal of learned: expected %d numbers: remove the stage's journals", n + 1);
    ENSURE(loss >= 0.0, ERR_FAILED, "the learned average's held-out loss is not finite");
    for (int i = 0; i <= n; i++)
        sum[i] += json_number_value(json_array_get(o, (size_t)i));
done:
    json_decref(o);
    return e;
}

/* "step-3-0f1e2d3c4b5a": a step among these ingredients, and no others, at this rate */
static err key_of(const learned_setup *s, int step, char key[64]) {
    strbuf list = {0};
    char hex[65];
    err e = strbuf_printf(&list, "%.17g\n", s->rate);
    for (int i = 0; i < s->n && e == OK; i++)
        e = strbuf_printf(&list, "%s\n", s->s[s->index[i]].name);
    if (e == OK) {
        hash_bytes(list.text, list.len, hex);
        snprintf(key, 64, "step-%d-%.12s", step, hex);
    }
    strbuf_free(&list);
    return e;
}

/* Mean loss and its derivatives d (n) at the weights a (n). Collective. */
static err evaluate(learner *l, int step, const double *a, double *loss, double *d) {
    const learned_setup *s = l->s;
    char key[64] = "", **records = NULL;
    double *sum = NULL; // (1 + n)
    units u = {.p = s->p, .dir = s->journal_dir, .stage = "learned", .key = key, .noun = "batches"};
    u.n = (s->heldout->n + ACCURACY_BATCH - 1) / ACCURACY_BATCH;
    l->a = a;
    encoder_destroy(&l->m);
    err e = mem_alloc((size_t)s->n + 1, sizeof *sum, &sum);
    if (e == OK)
        e = key_of(s, step, key);
    TRY(par_agree(s->p, e));
    TRY(units_run(&u, batch_unit, l, &records));
    for (int64_t i = 0; i < u.n && e == OK; i++)
        e = add_record(records[i], s->n, sum);
    TRY(par_agree(s->p, e));
    *loss = sum[0] / s->heldout->n;
    for (int i = 0; i < s->n; i++)
        d[i] = sum[1 + i] / s->heldout->n;
done:
    units_free(&records, u.n);
    free(sum);
    return e;
}

static void softmax(double *a, const double *b, int n) {
    double top = b[0], sum = 0.0;
    for (int i = 1; i < n; i++)
        top = fmax(top, b[i]);
    for (int i = 0; i < n; i++)
        sum += a[i] = exp(b[i] - top);
    for (int i = 0; i < n; i++)
        a[i] /= sum;
}

/* One step of Adam (arXiv 1412.6980) on b (n): d (n) are the derivatives by a = softmax(b).
 * moments (2, n). */
static void adam(double *b, double *moments, const double *a, const double *d, int n, int step,
                 double rate) {
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    double mean = 0.0;
    for (int i = 0; i < n; i++)
        mean += a[i] * d[i];
    for (int i = 0; i < n; i++) {
        const double g = a[i] * (d[i] - mean);
        double *first = &moments[i], *second = &moments[n + i];
        *first = beta1 * *first + (1.0 - beta1) * g;
        *second = beta2 * *second + (1.0 - beta2) * g * g;
        const double m = *first / (1.0 - pow(beta1, step)), v = *second / (1.0 - pow(beta2, step));
        b[i] -= rate * m / (sqrt(v) + eps);
    }
}

err soup_learn(const learned_setup *s, double *loss, double *weights, int *best, encoder **out) {
    const size_t n = (size_t)s->n;
    learner l = {.s = s};
    double *b = NULL, *moments = NULL, *d = NULL; // (n), (2, n), (n)
    err e = mem_alloc(n, sizeof *b, &b);
    if (e == OK)
        e = mem_alloc(2 * n, sizeof *moments, &moments);
    if (e == OK)
        e = mem_alloc(n, sizeof *d, &d);
    if (e == OK)
        e = mem_alloc(n, sizeof *l.dots, &l.dots);
    TRY(par_agree(s->p, e));
    *best = 0;
    for (int step = 0; step <= s->steps; step++) {
        double *a = weights + (size_t)step * n;
        softmax(a, b, s->n);
        TRY(evaluate(&l, step, a, &loss[step], d));
        if (loss[step] < loss[*best])
            *best = step;
        adam(b, moments, a, d, s->n, step + 1, s->rate);
    }
    TRY(par_agree(s->p, soup_mix(s->s, s->index, weights + (size_t)*best * n, s->n, out)));
done:
    encoder_destroy(&l.m);
    encoder_ws_destroy(&l.ws);
    packer_destroy(&l.pack);
    free(l.grads);
    free(l.dots);
    free(b);
    free(moments);
    free(d);
    return e;
}
