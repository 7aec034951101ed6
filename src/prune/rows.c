#include "prune/rows.h"

#include "base/arena.h"
#include "prune/obs.h"

#include <stdlib.h>
#include <string.h>

/* scratch of one rank */
typedef struct scratch {
    obs *obs;  /* NULL: nothing is removed */
    double *w; // (d)
    double *v; // (2 (d + 1))
} scratch;

static err scratch_create(int d, int k, scratch *b) {
    *b = (scratch){0};
    CALL(mem_alloc((size_t)d, sizeof *b->w, &b->w));
    CALL(mem_alloc(2 * ((size_t)d + 1), sizeof *b->v, &b->v));
    return k > 0 ? obs_create(d, &b->obs) : OK;
}

static void scratch_free(scratch *b) {
    obs_destroy(&b->obs);
    free(b->w);
    free(b->v);
}

/* row number `row` of the stage: w (d) as the model will hold it, shift_error: its bias shift and
 * error */
static err prune_row(const scratch *b, const refit *r, const hessian *own, float bias, int row,
                     int k, float *w, double shift_error[2]) {
    size_t d = (size_t)r->d;
    memcpy(b->w, r->start + (size_t)row * d, d * sizeof *b->w);
    if (k > 0)
        CALL(obs_row(b->obs, b->w, r->inverse, k, NULL, NULL));
    for (size_t i = 0; i < d; i++) {
        w[i] = (float)b->w[i];
        b->w[i] = (double)w[i];
    }
    double shift = (double)(float)((double)bias + refit_bias(r, row, b->w)) - (double)bias;
    shift_error[0] = shift;
    shift_error[1] = refit_error(own, row, b->w, shift, b->v);
    return OK;
}

static err own_rows(const par *p, const refit *r, const hessian *own, const float *bias, int k,
                    int first, int n, float *w, double *shift_error) {
    scratch b;
    err e = scratch_create(r->d, k, &b);
    for (int i = 0; i < n && e == OK; i++)
        e = prune_row(&b, r, own, bias[first + i], first + i, k, w + (size_t)i * (size_t)r->d,
                      shift_error + 2 * i);
    scratch_free(&b);
    return par_agree(p, e);
}

/* every rank's part, in rank order, which is row order: out (bytes of all parts) */
static err gather(const par *p, const void *part, size_t n, void *out) {
    char *all;
    size_t *offsets;
    CALL(par_allgather(p, part, n, &all, &offsets));
    memcpy(out, all, offsets[p->size]);
    free(all);
    free(offsets);
    return OK;
}

err rows_prune(const par *p, const refit *r, const hessian *own, const float *bias, int k,
               pruned_rows *out) {
    err e = OK;
    size_t d = (size_t)r->d, m = (size_t)r->m;
    size_t first = m * (size_t)p->rank / (size_t)p->size;
    size_t n = m * ((size_t)p->rank + 1) / (size_t)p->size - first;
    float *w = NULL;
    double *pairs = NULL, *all = NULL;
    *out = (pruned_rows){.d = r->d, .m = r->m};
    e = mem_alloc(m * d, sizeof *out->w, &out->w);
    if (e == OK)
        e = mem_alloc(m, sizeof *out->shift, &out->shift);
    if (e == OK)
        e = mem_alloc(m, sizeof *out->error, &out->error);
    if (e == OK)
        e = mem_alloc(n * d + 1, sizeof *w, &w);
    if (e == OK)
        e = mem_alloc(2 * n + 1, sizeof *pairs, &pairs);
    if (e == OK)
        e = mem_alloc(2 * m, sizeof *all, &all);
    TRY(par_agree(p, e));
    TRY(own_rows(p, r, own, bias, k, (int)first, (int)n, w, pairs));
    TRY(gather(p, w, n * d * sizeof *w, out->w));
    TRY(gather(p, pairs, 2 * n * sizeof *pairs, all));
    for (size_t i = 0; i < m; i++) {
        out->shift[i] = all[2 * i];
        out->error[i] = all[2 * i + 1];
    }
done:
    free(w);
    free(pairs);
    free(all);
    if (e != OK)
        rows_free(out);
    return e;
}

void rows_free(pruned_rows *r) {
    free(r->w);
    free(r->shift);
    free(r->error);
    *r = (pruned_rows){0};
}
