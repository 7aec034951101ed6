/* bench_kernels: every kernel of src/tensor beside the limit that it runs into.
 *
 *     bench_kernels [--size NAME] [--seconds S] [--only WORD]
 *
 * Products (linears, attention) are held against the float32 peak, operations counted as in
 * workload.h; passes over matrices against a copy of as many bytes as they read and write, each
 * array once, so against the cache that they fit. 2048 tokens: 32 sequences of 64. */
#include "peak.h"
#include "share.h"
#include "workload.h"

#include "base/arena.h"
#include "base/rng.h"
#include "tensor/activation.h"
#include "tensor/attention.h"
#include "tensor/blas.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/loss.h"
#include "tensor/norm.h"
#include "train/clip.h"
#include "train/optimiser.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { T = 2048, B = 32, VOCABULARY = 30522, SCORES = 128, ARRAYS = 9, LEAST = 5 };
enum { PIECE_ROWS = 16, PIECE_COLS = 32 };

typedef struct arguments {
    const char *size, *only; /* NULL: all */
    double seconds;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny 2x128, mini 4x256, small 4x512 or base 12x768; default: all", 0},
    {"seconds", 't', "S", 0, "least time for every figure; default 0.1", 0},
    {"only", 'o', "WORD", 0, "only kernels whose name has this word in it", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 't')
        a->seconds = strtod(arg, NULL);
    else if (key == 'o')
        a->only = arg;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* what a kernel works on; arrays hold at least T * F and V * H floats */
typedef struct bench {
    const arguments *a;
    const size *z;
    float *x[ARRAYS];
    int32_t *ids, *offsets; // (T), (T + 1)
    batch b;
    optimiser *opt;
    int out, in, S; /* of the kernel at hand */
} bench;

typedef void (*kernel_run)(bench *k);

typedef struct subject {
    bench *k;
    kernel_run run;
    double work; /* operations or bytes of one run */
    int runs;    /* a turn */
} subject;

static err turn(void *state, double *rate) {
    subject *s = state;
    double start = peak_now();
    for (int i = 0; i < s->runs; i++)
        s->run(s->k);
    *rate = s->work * s->runs / (peak_now() - start);
    return OK;
}

/* so many runs that a turn takes a millisecond: the clock's own cost does not count */
static int runs_of(bench *k, kernel_run run) {
    int runs = 1;
    for (;; runs *= 4) {
        double start = peak_now();
        for (int i = 0; i < runs; i++)
            run(k);
        if (peak_now() - start > 1e-3 || runs > 1 << 20)
            return runs;
    }
}

static int wanted(const bench *k, const char *name) {
    return !k->a->only || strstr(name, k->a->only);
}

/* operations > 0: beside the peak; else bytes beside the memory */
static err measure(bench *k, const char *name, const char *shape, kernel_run run, double operations,
                   double bytes) {
    if (!wanted(k, name))
        return OK;
    subject s = {k, run, operations > 0.0 ? operations : bytes, runs_of(k, run)};
    share r;
    peak_memory m = {0};
    if (operations > 0.0) {
        CALL(share_measure(turn, &s, share_fp32, NULL, k->a->seconds, LEAST, &r));
    } else {
        CALL(peak_memory_open(&m, (size_t)bytes));
        err e = share_measure(turn, &s, share_memory, &m, k->a->seconds, LEAST, &r);
        peak_memory_close(&m);
        CALL(e);
    }
    printf("%-6s %-24s %-18s %7.1f  %7.1f  %-7s %6.1f %%\n", k->z->name, name, shape, r.rate * 1e-9,
           r.limit * 1e-9, operations > 0.0 ? "GFLOP/s" : "GB/s", 100.0 * r.ratio);
    fflush(stdout);
    return OK;
}

/* --- linears --------------------------------------------------------------------------------- */

static void run_forward(bench *k) {
    linear_forward(k->x[0], k->x[1], k->x[2], NULL, T, k->out, k->in, FLOAT32);
}

static void run_input(bench *k) {
    linear_backward_input(k->x[0], k->x[1], k->x[2], T, k->out, k->in, 0, FLOAT32);
}

static void run_weight(bench *k) {
    linear_backward_weight(k->x[2], k->x[1], k->x[0], T, k->out, k->in, FLOAT32);
}

static void run_gelu_linear(bench *k) {
    linear_gelu_forward(k->x[0], k->x[1], k->x[3], k->x[2], k->x[4], T, k->z->F, k->z->H, FLOAT32);
}

static void run_gelu_input(bench *k) {
    linear_gelu_backward(k->x[0], k->x[1], k->x[4], k->x[3], k->x[2], T, k->z->H, k->z->F, FLOAT32);
}

/* gelu(6) = 6 and gelu'(6) = 1: what is sent through them in place stays as it is */
static void fixed_point(bench *k, float *x) {
    for (size_t i = 0; i < (size_t)T * (size_t)k->z->F; i++)
        x[i] = 6.0f;
}

/* products with their pass: only the product's operations count */
static err gelu_linears(bench *k) {
    char text[32];
    double ops = 2.0 * T * k->z->F * k->z->H;
    snprintf(text, sizeof text, "%d x %d x %d", T, k->z->F, k->z->H);
    CALL(measure(k, "linear + bias + gelu", text, run_gelu_linear, ops, 0.0));
    fixed_point(k, k->x[1]);
    return measure(k, "linear dx + gelu dx", text, run_gelu_input, ops, 0.0);
}

static err linears(bench *k) {
    int H = k->z->H, F = k->z->F;
    const struct {
        const char *name;
        int out, in;
    } shape[] = {{"qkv", 3 * H, H}, {"attention out", H, H}, {"intermediate", F, H}, {"out", H, F}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        char name[48], text[32];
        double ops = 2.0 * T * shape[i].out * shape[i].in;
        k->out = shape[i].out;
        k->in = shape[i].in;
        snprintf(text, sizeof text, "%d x %d x %d", T, k->out, k->in);
        snprintf(name, sizeof name, "linear %s", shape[i].name);
        CALL(measure(k, name, text, run_forward, ops, 0.0));
        snprintf(name, sizeof name, "linear %s dx", shape[i].name);
        CALL(measure(k, name, text, run_input, ops, 0.0));
        snprintf(name, sizeof name, "linear %s dw", shape[i].name);
        CALL(measure(k, name, text, run_weight, ops, 0.0));
    }
    return OK;
}

/* --- attention ------------------------------------------------------------------------------- */

static void run_attention(bench *k) {
    int H = k->z->H, D = H / k->z->A, S = k->S;
    float *qkv = k->x[0], *context = k->x[1], *probs = k->x[2];
    for (int t = 0; t + S <= T; t += S)
        for (int head = 0; head < k->z->A; head++, probs += S * S) {
            float *q = qkv + (size_t)t * 3 * (size_t)H + head * D;
            attention_qkv in = {q, q + H, q + 2 * H, 3 * H, 3 * H};
            attention_forward(context + (size_t)t * (size_t)H + head * D, H, probs, k->x[3], in,
                              NULL, S, S, D);
        }
}

static void run_attention_backward(bench *k) {
    int H = k->z->H, D = H / k->z->A, S = k->S;
    float *qkv = k->x[0], *dqkv = k->x[4], *dcontext = k->x[1], *probs = k->x[2];
    for (int t = 0; t + S <= T; t += S)
        for (int head = 0; head < k->z->A; head++, probs += S * S) {
            size_t at = (size_t)t * 3 * (size_t)H + (size_t)(head * D);
            float *q = qkv + at, *dq = dqkv + at;
            attention_qkv in = {q, q + H, q + 2 * H, 3 * H, 3 * H};
            attention_qkv d = {dq, dq + H, dq + 2 * H, 3 * H, 3 * H};
            attention_backward(d, dcontext + (size_t)t * (size_t)H + head * D, H, k->x[3], k->x[5],
                               probs, in, NULL, S, S, D);
        }
}

static void run_softmax(bench *k) {
    for (int t = 0; t < T; t++)
        softmax_row(k->x[0] + t * k->S, 0.125f, k->S);
}

static err attentions(bench *k) {
    for (k->S = 8; k->S <= 128; k->S *= 2) {
        char text[32];
        double ops = 4.0 * T * k->S * k->z->H; /* both products of the forward pass */
        snprintf(text, sizeof text, "%d x %d tokens", T / k->S, k->S);
        CALL(measure(k, "attention", text, run_attention, ops, 0.0));
        CALL(measure(k, "attention backward", text, run_attention_backward, 2.0 * ops, 0.0));
    }
    k->S = 64;
    return measure(k, "softmax", "2048 x 64", run_softmax, 0.0, 8.0 * T * k->S);
}

/* --- passes between two products ------------------------------------------------------------- */

/* piece by piece, as the tail of a product meets them (in its cache, which they are not here) */
static void run_gelu(bench *k) {
    int F = k->z->F;
    for (int t = 0; t < T; t += PIECE_ROWS)
        for (int j = 0; j < F; j += PIECE_COLS) {
            size_t at = (size_t)t * (size_t)F + (size_t)j;
            gelu_forward(k->x[0] + at, k->x[1] + at, k->x[2] + at, k->x[3] + j, F, PIECE_ROWS,
                         PIECE_COLS);
        }
}

static void run_gelu_backward(bench *k) {
    int F = k->z->F;
    for (int t = 0; t < T; t += PIECE_ROWS)
        for (int j = 0; j < F; j += PIECE_COLS) {
            size_t at = (size_t)t * (size_t)F + (size_t)j;
            gelu_backward(k->x[0] + at, k->x[1] + at, k->x[3] + j, F, PIECE_ROWS, PIECE_COLS);
        }
}

/* x is added to at every run: a thousand of them and a bias of 1e-3 stay small */
static void run_norm(bench *k) {
    residual_norm_forward(k->x[0], k->x[1], k->x[5], k->x[6], k->x[2], k->x[3], NULL, k->x[4],
                          k->x[7], 1e-12f, T, k->z->H);
}

/* not in place: a gradient that is scaled down again and again ends as denormal numbers */
static void run_norm_backward(bench *k) {
    residual_norm_backward(k->x[8], k->x[2], k->x[3], k->x[4], k->x[7], k->x[0], k->x[1], k->x[5],
                           k->x[6], NULL, k->x[7], T, k->z->H);
}

static void run_embedding(bench *k) {
    embedding_forward(k->x[0], &k->b, k->x[1], k->x[2], k->x[3], k->z->H);
}

static void run_embedding_backward(bench *k) {
    embedding_backward(k->x[1], k->x[2], k->x[3], k->x[0], &k->b, k->z->H);
}

static void run_cross_entropy(bench *k) {
    cross_entropy(k->x[0], k->x[1], k->ids, 0.0f, 1.0f, SCORES, VOCABULARY);
}

static void run_adamw(bench *k) {
    optimiser_step(k->opt, k->x[0], k->x[1], NULL, 1e-5, 1.0);
}

static volatile double sink;

static void run_gradient_norm(bench *k) {
    sink = gradient_norm(k->x[1], k->opt->n);
}

/* small numbers again, some of the kernels above work in place */
static void fill(bench *k, size_t n) {
    for (int i = 0; i < ARRAYS; i++)
        for (size_t j = 0; j < n; j += 4) {
            uint32_t r[4];
            rng_block(1, RNG_TEST, (uint32_t)i, 1, (uint32_t)j, r);
            for (size_t q = 0; q < 4; q++)
                k->x[i][j + q] = 0.1f * (rng_float(r[q]) - 0.5f);
        }
}

static err passes(bench *k, size_t n) {
    char inner[32], outer[32];
    double f = 4.0 * T * k->z->F, h = 4.0 * T * k->z->H;
    snprintf(inner, sizeof inner, "%d x %d", T, k->z->F);
    snprintf(outer, sizeof outer, "%d x %d", T, k->z->H);
    fill(k, n);
    CALL(measure(k, "gelu + bias", inner, run_gelu, 0.0, 3.0 * f));
    fixed_point(k, k->x[1]);
    CALL(measure(k, "gelu backward", inner, run_gelu_backward, 0.0, 4.0 * f));
    fill(k, n);
    CALL(measure(k, "residual + norm", outer, run_norm, 0.0, 4.0 * h));
    CALL(measure(k, "residual + norm backward", outer, run_norm_backward, 0.0, 4.0 * h));
    fill(k, n);
    CALL(measure(k, "embedding", outer, run_embedding, 0.0, 2.0 * h));
    return measure(k, "embedding backward", outer, run_embedding_backward, 0.0, 3.0 * h);
}

static err optimisers(bench *k) {
    char text[32];
    double n = (double)k->opt->n;
    snprintf(text, sizeof text, "%.1f M", n * 1e-6);
    CALL(measure(k, "AdamW step", text, run_adamw, 0.0, 28.0 * n));
    return measure(k, "gradient norm", text, run_gradient_norm, 0.0, 4.0 * n);
}

/* --- */

static err open_bench(bench *k, encoder_config *c, size_t *n) {
    size_t H = (size_t)k->z->H, scores = (size_t)SCORES * VOCABULARY;
    rng_stream r = rng_open(1, RNG_TEST, 0, 0);
    *n = (size_t)T * 4 * H > scores ? (size_t)T * 4 * H : scores;
    *n = *n > (size_t)VOCABULARY * H ? *n : (size_t)VOCABULARY * H;
    *c = (encoder_config){.V = VOCABULARY, .H = k->z->H, .L = k->z->L, .A = k->z->A, .F = k->z->F};
    c->P = 512;
    c->Y = 2;
    c->K = 2;
    optimiser_rule rule = optimiser_adamw(0.01);
    CALL(optimiser_create(c, &rule, 0, encoder_count(c), &k->opt));
    for (int i = 0; i < ARRAYS; i++)
        CALL(mem_alloc(i < 2 && *n < k->opt->n ? k->opt->n : *n, sizeof(float), &k->x[i]));
    CALL(mem_alloc(T, sizeof *k->ids, &k->ids));
    CALL(mem_alloc(B + 1, sizeof *k->offsets, &k->offsets));
    for (int t = 0; t < T; t++)
        k->ids[t] = (int32_t)rng_below(&r, VOCABULARY);
    for (int s = 0; s <= B; s++)
        k->offsets[s] = s * (T / B);
    k->b = (batch){.B = B, .T = T, .ids = k->ids, .offsets = k->offsets};
    fill(k, *n);
    return OK;
}

static err run(const arguments *a, const size *z) {
    bench k = {.a = a, .z = z};
    encoder_config c;
    size_t n;
    err e;
    TRY(open_bench(&k, &c, &n));
    TRY(linears(&k));
    TRY(gelu_linears(&k));
    fill(&k, n);
    TRY(attentions(&k));
    TRY(passes(&k, n));
    if (z == &SIZE[0]) {
        fill(&k, n);
        TRY(measure(&k, "cross-entropy + bias", "128 x 30522", run_cross_entropy, 0.0,
                    8.0 * SCORES * VOCABULARY));
    }
    TRY(optimisers(&k));
done:
    for (int i = 0; i < ARRAYS; i++)
        free(k.x[i]);
    free(k.ids);
    free(k.offsets);
    optimiser_destroy(&k.opt);
    return e;
}

int main(int argc, char **argv) {
    arguments a = {.seconds = 0.1};
    const struct argp argp = {OPTIONS, parse, NULL, "Speed of the kernels on one core.",
                              NULL,    NULL,  NULL};
    blas_start(argv);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.size && !size_find(a.size)) {
        fprintf(stderr, "bench_kernels: no size \"%s\": tiny, mini, small or base\n", a.size);
        return 2;
    }
    blas_single_thread();
    printf("%-6s %-24s %-18s %7s  %7s  %-7s %8s  %8s\n", "size", "kernel", "shape", "rate", "limit",
           "", "share", "best");
    for (int i = 0; i < SIZES; i++) {
        if (a.size && size_find(a.size) != &SIZE[i])
            continue;
        if (run(&a, &SIZE[i]) != OK) {
            fprintf(stderr, "bench_kernels: %s\n", err_message());
            return 1;
        }
    }
    return 0;
}
