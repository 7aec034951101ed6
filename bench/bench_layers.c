/* bench_layers MODEL TEXT [SENTENCES [TOKENS]]: relative output error of every method on every
 * linear layer of a model, one layer at a time on the dense model's own inputs, so that all methods
 * prune the same weights for the same inputs. TEXT has a sentence a line. Not a speed: what a mask
 * is worth. Under mpirun rows are shared out. */
#include "base/arena.h"
#include "model/encoder.h"
#include "prune/calibration.h"
#include "prune/linears.h"
#include "prune/refit.h"
#include "prune/rows.h"
#include "tensor/blas.h"
#include "text/tokenizer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEVELS = 3, METHODS = 8, CHUNK = 32 };

static const double SPARSITY[LEVELS] = {0.3, 0.5, 0.875};
static const struct {
    const char *name;
    rows_method method;
    int refit, swaps;
} METHOD[METHODS] = {{"random", ROWS_RANDOM, 0, 0},       {"magnitude", ROWS_MAGNITUDE, 0, 0},
                     {"Wanda", ROWS_WANDA, 0, 0},         {"Wanda + refit", ROWS_WANDA, 1, 0},
                     {"SparseGPT", ROWS_SPARSEGPT, 0, 0}, {"OBS", ROWS_OBS, 0, 0},
                     {"OBS + refit", ROWS_OBS, 1, 0},     {"OBS + swaps", ROWS_OBS, 1, INT_MAX}};

typedef struct tally {
    double sum[METHODS][LEVELS];
    int best[METHODS][LEVELS]; /* linears on which no method has less */
    int linears;
} tally;

/* relative errors of one stage's linears by method m, all sparsities in one pass */
static err try_method(const par *p, const linears *l, const refit *r, const hessian *own,
                      const float *bias, int m, double error[][METHODS][LEVELS]) {
    double sparsity[LEVELS * LINEARS_MAX];
    int rows[LINEARS_MAX];
    pruned_rows out[LEVELS] = {{0}};
    for (int q = 0; q < l->n; q++)
        rows[q] = l->dense[q].out;
    for (int k = 0; k < LEVELS * l->n; k++)
        sparsity[k] = SPARSITY[k / l->n];
    rows_request q = {.method = METHOD[m].method,
                      .sparsity = sparsity,
                      .n = LEVELS,
                      .linear_rows = rows,
                      .linears = l->n,
                      .refit = METHOD[m].refit,
                      .swaps = METHOD[m].swaps,
                      .damping = 1e-4,
                      .seed = 1,
                      .share = SHARE_ROW};
    CALL(rows_prune(p, r, own, own, bias, &q, out));
    for (int k = 0; k < LEVELS; k++) {
        for (int i = 0, at = 0; i < l->n; at += rows[i++]) {
            double miss = 0.0, all = 0.0;
            for (int row = at; row < at + rows[i]; row++) {
                miss += out[k].error[row];
                all += own->yy[row];
            }
            error[i][m][k] = miss / all;
        }
        rows_free(&out[k]);
    }
    return OK;
}

static void count(tally *t, double error[METHODS][LEVELS]) {
    t->linears++;
    for (int k = 0; k < LEVELS; k++) {
        int best = 0;
        for (int m = 0; m < METHODS; m++) {
            t->sum[m][k] += error[m][k];
            best = error[m][k] < error[best][k] ? m : best;
        }
        t->best[best][k]++;
    }
}

static err stage(const par *p, const linears *l, calibration *c, tally *t) {
    err e;
    hessian *own = NULL;
    refit r = {0};
    double *dense = NULL, error[LINEARS_MAX][METHODS][LEVELS];
    float *bias = NULL;
    TRY(linears_sums(l, 1, p, c, &own, NULL));
    TRY(mem_alloc((size_t)l->out * (size_t)l->in, sizeof *dense, &dense));
    TRY(mem_alloc((size_t)l->out, sizeof *bias, &bias));
    linears_dense_weight(l, dense);
    linears_dense_bias(l, bias);
    refit_job job = {.own = own,
                     .obs = own,
                     .dense = dense,
                     .target = TARGET_DENSE,
                     .bias = 1,
                     .inverse = 1,
                     .damping = 1e-4,
                     .factorisation = "local"};
    TRY(refit_make(p, &job, &r));
    for (int m = 0; m < METHODS; m++)
        TRY(try_method(p, l, &r, own, bias, m, error));
    for (int q = 0; q < l->n; q++)
        count(t, error[q]);
done:
    hessian_destroy(&own);
    refit_free(&r);
    free(dense);
    free(bias);
    return e;
}

static void print(const tally *t) {
    printf("%-16s", "zero:");
    for (int k = 0; k < LEVELS; k++)
        printf("  %5.1f %%            ", 100.0 * SPARSITY[k]);
    printf("\n");
    for (int m = 0; m < METHODS; m++) {
        printf("%-16s", METHOD[m].name);
        for (int k = 0; k < LEVELS; k++)
            printf("  %.6f (best %2d)", t->sum[m][k] / t->linears, t->best[m][k]);
        printf("\n");
    }
    printf("mean over %d linear layers of |Y - W X|^2 / |Y|^2; on how many it is the lowest\n",
           t->linears);
}

static err bench(const par *p, const char *dir, const char *text, int limit, int length) {
    err e;
    encoder *m = NULL;
    tokenizer *w = NULL;
    dataset d = {0};
    examples x = {0};
    calibration *c = NULL;
    tally t = {.linears = 0};
    char vocab[4096];
    TRY(encoder_load(dir, (encoder_want){.classes = -1, .mlm = 0}, &m));
    TRY(tokenizer_find(dir, vocab));
    TRY(tokenizer_open(vocab, &w));
    TRY(dataset_read_text(text, limit, &d));
    TRY(examples_make(&d, w, length, &x));
    TRY(calibration_open(p, &(const encoder *){m}, 1, &x, CHUNK, &c));
    for (int block = 0; block < m->c.L; block++) {
        for (block_stage at = STAGE_QKV; at < STAGE_DONE; at++) {
            linears l = linears_of_block(m, m, 0, block, at);
            TRY(stage(p, &l, c, &t));
            TRY(calibration_next(c));
        }
    }
    if (p->rank == 0)
        print(&t);
done:
    calibration_close(&c);
    examples_free(&x);
    dataset_free(&d);
    tokenizer_close(&w);
    encoder_destroy(&m);
    return e;
}

int main(int argc, char **argv) {
    par *p;
    blas_start(argv);
    if (argc < 3) {
        printf(
            "bench_layers MODEL TEXT [SENTENCES [TOKENS]]: not run, it needs a model and text\n");
        return 0;
    }
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    blas_single_thread();
    err e =
        bench(p, argv[1], argv[2], argc > 3 ? atoi(argv[3]) : 256, argc > 4 ? atoi(argv[4]) : 64);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_layers: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
