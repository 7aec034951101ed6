/* bench_model [BLOCKS [SENTENCES [LEVELS]]]: pruning of a BERT-base-shaped model (768 wide,
 * feed-forward 3072) to 30, 50 and 87.5 %, adaptive, 1,024 sentences of 64 tokens: seconds of a
 * block, what twelve of them would take, and memory a rank. Random weights and tokens: the work is
 * the same. Every sparsity is a pruning of its own, because after its first stage a model sees
 * inputs that its own prefix made. Start it under mpirun; CPU seconds are those of the slowest
 * rank. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "prune/prune.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { TOKENS = 64, VOCABULARY = 2000, BLOCKS_OF_BASE = 12 };

static err make_examples(int n, examples *x) {
    *x = (examples){.n = n, .max_length = TOKENS};
    CALL(mem_alloc((size_t)n * TOKENS, sizeof *x->ids, &x->ids));
    CALL(mem_alloc((size_t)n + 1, sizeof *x->offset, &x->offset));
    CALL(mem_alloc((size_t)n, sizeof *x->label, &x->label));
    rng_stream s = rng_open(1, RNG_TEST, 0, 0);
    for (int i = 0; i < n * TOKENS; i++)
        x->ids[i] = (int32_t)rng_below(&s, VOCABULARY);
    for (int i = 0; i <= n; i++)
        x->offset[i] = (int64_t)i * TOKENS;
    return OK;
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + 1e-6 * (double)u.ru_utime.tv_usec +
           (double)u.ru_stime.tv_sec + 1e-6 * (double)u.ru_stime.tv_usec;
}

static double peak_gib(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss * 1024.0 / 0x1p30;
}

static err prune_to(const par *p, const encoder *m, const examples *x, const prune_options *o,
                    double sparsity, double *cpu) {
    prune_layer *rows;
    encoder *pruned = NULL;
    int n;
    CALL(mem_alloc((size_t)m->c.L * LINEAR_COUNT + 2, sizeof *rows, &rows));
    prune_job j = {.p = p,
                   .dense = m,
                   .calibration = x,
                   .method = "adaptive",
                   .sparsity = sparsity,
                   .seed = 1,
                   .o = o};
    double start = clock_now(), before = cpu_seconds();
    err e = prune_model(&j, rows, &n, &pruned);
    double took[3] = {cpu_seconds() - before, clock_now() - start, peak_gib()};
    free(rows);
    encoder_destroy(&pruned);
    CALL(e);
    CALL(par_max_f64(p, took, 3));
    *cpu += took[0];
    if (p->rank == 0)
        printf("adaptive %4.1f %%: %7.1f CPU seconds a block (slowest of %d ranks), %7.1f s by the "
               "clock, %.2f GiB a rank\n",
               100.0 * sparsity, took[0] / m->c.L, p->size, took[1] / m->c.L, took[2]);
    return OK;
}

static err bench(const par *p, int blocks, int sentences, int levels) {
    static const double sparsity[] = {0.3, 0.5, 0.875};
    encoder_config c = {
        .V = VOCABULARY, .H = 768, .L = blocks, .A = 12, .F = 3072, .P = TOKENS, .Y = 2};
    prune_options o = {.chunk = 32, .damping = 1e-4, .refit_bias = 1};
    encoder *m = NULL;
    examples x = {0};
    double cpu = 0.0;
    err e;
    c.norm_eps = 1e-12f;
    strcpy(o.hessian, "adaptive");
    strcpy(o.target, "adaptive");
    strcpy(o.factorisation, "auto");
    strcpy(o.grid, "auto");
    strcpy(o.allocation, "uniform");
    TRY(encoder_create(&c, &m));
    encoder_init(m, 1);
    TRY(make_examples(sentences, &x));
    for (int i = 0; i < levels; i++)
        TRY(prune_to(p, m, &x, &o, sparsity[i], &cpu));
    if (p->rank == 0)
        printf("the %d, %d blocks: %.1f CPU minutes a rank (%d measured)\n", levels,
               (int)BLOCKS_OF_BASE, cpu / 60.0 * BLOCKS_OF_BASE / blocks, blocks);
done:
    encoder_destroy(&m);
    examples_free(&x);
    return e;
}

int main(int argc, char **argv) {
    par *p;
    blas_start(argv);
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    blas_single_thread();
    setvbuf(stdout, NULL, _IOLBF, 0);
    int blocks = argc > 1 ? atoi(argv[1]) : 1, sentences = argc > 2 ? atoi(argv[2]) : 1024;
    err e = bench(p, blocks, sentences, argc > 3 ? atoi(argv[3]) : 3);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_model: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
