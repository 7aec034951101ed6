/* bench_model [BLOCKS [SENTENCES [LEVELS]]]: pruning of a BERT-base-shaped model (768 wide,
 * feed-forward 3072) to 30, 50 and 87.5 %, adaptive, 1,024 sentences of 64 tokens, all in one pass:
 * seconds of a block, what twelve of them would take, and memory a rank. Random weights and tokens:
 * the work is the same. What is done once (embeddings, room, the head) and a first block, where the
 * models still see the same inputs, are measured by an encoder of one block; the others as what one
 * of BLOCKS (2) takes beyond it, and count eleven times. 12: all of it. Start it under mpirun;
 * seconds are those of the slowest rank. Beside them what the operations that no block can do
 * without would take at the ranks' float32 limit (peak.h). */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "peak.h"
#include "prune/obs.h"
#include "prune/prune.h"
#include "share.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { TOKENS = 64, VOCABULARY = 30522, BLOCKS_OF_BASE = 12, H = 768, F = 3072 };

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

enum { LEVELS = 3 };
static const double SPARSITY[LEVELS] = {0.3, 0.5, 0.875};

typedef struct spent {
    double cpu, wall; /* seconds */
} spent;

/* all levels of an encoder, in one pass */
static err prune_all(const par *p, const encoder *m, const examples *x, const prune_options *o,
                     int levels, spent *out) {
    prune_job jobs[LEVELS];
    prune_layer *rows[LEVELS] = {NULL};
    encoder *pruned[LEVELS] = {NULL};
    int n[LEVELS];
    err e = OK;
    for (int i = 0; i < levels; i++) {
        jobs[i] = (prune_job){.p = p,
                              .dense = m,
                              .calibration = x,
                              .method = "adaptive",
                              .sparsity = SPARSITY[i],
                              .seed = 1,
                              .o = o};
        TRY(mem_alloc((size_t)m->c.L * LINEAR_COUNT + 2, sizeof **rows, &rows[i]));
    }
    double start = clock_now(), before = cpu_seconds();
    TRY(prune_models(jobs, levels, rows, n, pruned));
    double took[2] = {cpu_seconds() - before, clock_now() - start};
    TRY(par_max_f64(p, took, 2));
    *out = (spent){took[0], took[1]};
done:
    for (int i = 0; i < levels; i++) {
        free(rows[i]);
        encoder_destroy(&pruned[i]);
    }
    return e;
}

/* an encoder of so many blocks */
static err prune_blocks(const par *p, const examples *x, const prune_options *o, int blocks,
                        int levels, spent *out) {
    encoder_config c = {.V = VOCABULARY, .H = H, .L = blocks, .A = 12, .F = F, .P = TOKENS, .Y = 2};
    encoder *m = NULL;
    c.norm_eps = 1e-12f;
    CALL(encoder_create(&c, &m));
    encoder_init(m, 1);
    err e = prune_all(p, m, x, o, levels, out);
    encoder_destroy(&m);
    return e;
}

/* GiB of the parameters that a block of the dense model and every pruned one takes */
static double block_gib(int levels) {
    const double each = 4.0 * H * H + 2.0 * H * F + 9.0 * H + F;
    return (levels + 1) * each * sizeof(float) / 0x1p30;
}

/* Floating-point operations of a block, at least. */
typedef struct operations {
    double obs;     /* the columns that exact OBS takes, once each (obs_fast.h) */
    double sums;    /* Hessians, one triangle, and what re-fits the weights */
    double forward; /* of the dense model and every pruned one: products with weights */
} operations;

static double row_operations(int d, double sparsity) {
    const double k = (double)obs_removals(sparsity, d);
    return d * k * k - 2.0 * k * k * k / 3.0;
}

static operations block_operations(int sentences, int levels) {
    const double tokens = (double)sentences * TOKENS, h = H, f = F;
    operations o = {.forward = (levels + 1) * 2.0 * tokens * (4.0 * h * h + 2.0 * h * f)};
    for (int i = 0; i < levels; i++) {
        o.obs +=
            (4.0 * h + f) * row_operations(H, SPARSITY[i]) + h * row_operations(F, SPARSITY[i]);
        o.sums += tokens * (3.0 * (h * h + 2.0 * h * h) + f * f + 2.0 * h * f);
    }
    return o;
}

/* a block's operations beside its time */
static err say_limit(const par *p, int sentences, int levels, double seconds) {
    enum { BURSTS = 101 };
    const operations o = block_operations(sentences, levels);
    const double all = o.obs + o.sums + o.forward;
    double burst[BURSTS];
    for (int i = 0; i < BURSTS; i++)
        burst[i] = peak_fp32();
    int64_t sum = (int64_t)share_median(burst, BURSTS);
    CALL(par_sum_i64(p, &sum, 1));
    const double limit = (double)sum;
    if (p->rank == 0)
        printf("operations of a block: %.1f T of exact OBS, %.1f T of sums, %.1f T of forward "
               "passes; %.1f s at the ranks' float32 limit (%.0f Gflop/s), %.0f %% of it reached\n",
               1e-12 * o.obs, 1e-12 * o.sums, 1e-12 * o.forward, all / limit, 1e-9 * limit,
               100.0 * all / limit / seconds);
    return OK;
}

static void say(const char *what, const spent *t, const par *p) {
    printf("%s: %7.1f CPU seconds (slowest of %d ranks), %7.1f s by the clock\n", what, t->cpu,
           p->size, t->wall);
}

static err bench(const par *p, int blocks, int sentences, int levels) {
    prune_options o = {.chunk = 32, .damping = 1e-4, .refit_bias = 1};
    examples x = {0};
    spent first, all, next;
    err e;
    strcpy(o.hessian, "adaptive");
    strcpy(o.target, "adaptive");
    strcpy(o.factorisation, "auto");
    strcpy(o.grid, "auto");
    strcpy(o.allocation, "uniform");
    TRY(make_examples(sentences, &x));
    TRY(prune_blocks(p, &x, &o, 1, levels, &first));
    next = first;
    if (blocks > 1) {
        TRY(prune_blocks(p, &x, &o, blocks, levels, &all));
        next =
            (spent){(all.cpu - first.cpu) / (blocks - 1), (all.wall - first.wall) / (blocks - 1)};
    }
    double gib = peak_gib();
    TRY(par_max_f64(p, &gib, 1));
    if (p->rank == 0) {
        say("first block", &first, p);
        if (blocks > 1)
            say("next blocks, each", &next, p);
        printf("%d models, %d blocks in one pass: %.1f CPU minutes a rank, %.1f by the clock; %.2f "
               "GiB a rank, %.2f with all blocks' parameters\n",
               levels, (int)BLOCKS_OF_BASE, (first.cpu + (BLOCKS_OF_BASE - 1) * next.cpu) / 60.0,
               (first.wall + (BLOCKS_OF_BASE - 1) * next.wall) / 60.0, gib,
               gib + (BLOCKS_OF_BASE - blocks) * block_gib(levels));
    }
    TRY(say_limit(p, sentences, levels, next.cpu));
done:
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
    int blocks = argc > 1 ? atoi(argv[1]) : 2, sentences = argc > 2 ? atoi(argv[2]) : 1024;
    err e = bench(p, blocks, sentences, argc > 3 ? atoi(argv[3]) : LEVELS);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_model: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
