/* bench_encoder: tokens a second of forward and training, and their share of one core's float32
 * peak.
 *
 *     bench_encoder [--size tiny|mini|small|base] [--seconds S]
 *
 * Peak: a loop of fused multiply-adds in registers. A token's work is counted as two operations for
 * every weight of the six linears of a block and for both products of attention, three times that
 * with the backward pass; everything else counts as nothing. Best of the turns that fit into S
 * seconds. Sequences of 64 tokens, 32 a batch, dropout 0.1; "ragged": 5 to 60 tokens, as in SST-2.
 */
#include "base/arena.h"
#include "base/rng.h"
#include "model/encoder.h"
#include "tensor/linear.h"
#include "train/optimiser.h"

#include "tensor/lanes.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { B = 32, S = 64, SHORTEST = 5, LONGEST = 60 };

typedef struct size {
    const char *name;
    int L, H, A, F;
} size;

static const size SIZES[] = {{"tiny", 2, 128, 2, 512},
                             {"mini", 4, 256, 4, 1024},
                             {"small", 4, 512, 8, 2048},
                             {"base", 12, 768, 12, 3072}};

typedef struct arguments {
    const char *size; /* NULL: all */
    double seconds;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny 2x128, mini 4x256, small 4x512 or base 12x768; default: all", 0},
    {"seconds", 't', "S", 0, "time for every figure; default 1", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 't')
        a->seconds = strtod(arg, NULL);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* seconds of this thread's own CPU time: what else runs on the machine counts little */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* operations a second of ten independent chains of fused multiply-adds: two units, latency four or
 * five. One variable a chain, so that they stay in registers. sink keeps them alive. */
static double peak(double seconds, float *sink) {
    enum { TURNS = 100000, CHAINS = 10 };
    const lanes a = lanes_set(0.999f), b = lanes_set(0.001f);
    double best = 0.0;
    for (double end = now() + seconds; now() < end;) {
        lanes p = b, q = b * 2.0f, r = b * 3.0f, s = b * 4.0f, t = b * 5.0f; /* none is another */
        lanes u = -b, v = b * -2.0f, w = b * -3.0f, x = b * -4.0f, y = b * -5.0f;
        double start = now();
        for (int i = 0; i < TURNS; i++) {
            p = lanes_fma(p, a, b);
            q = lanes_fma(q, a, b);
            r = lanes_fma(r, a, b);
            s = lanes_fma(s, a, b);
            t = lanes_fma(t, a, b);
            u = lanes_fma(u, a, b);
            v = lanes_fma(v, a, b);
            w = lanes_fma(w, a, b);
            x = lanes_fma(x, a, b);
            y = lanes_fma(y, a, b);
        }
        double rate = 2.0 * LANES * CHAINS * TURNS / (now() - start);
        best = rate > best ? rate : best;
        *sink += lanes_sum(p + q + r + s + t + u + v + w + x + y);
    }
    return best;
}

static err gemm(double seconds, int T, int out, int in, double *rate) {
    float *x = NULL, *w = NULL, *y = NULL;
    err e;
    TRY(mem_alloc((size_t)T * (size_t)in, sizeof *x, &x));
    TRY(mem_alloc((size_t)out * (size_t)in, sizeof *w, &w));
    TRY(mem_alloc((size_t)T * (size_t)out, sizeof *y, &y));
    *rate = 0.0;
    for (double end = now() + seconds; now() < end;) {
        double start = now();
        linear_forward(y, x, w, T, out, in);
        double here = 2.0 * T * out * in / (now() - start);
        *rate = here > *rate ? here : *rate;
    }
done:
    free(x);
    free(w);
    free(y);
    return e;
}

typedef enum work { FORWARD, RAGGED, STEP, STEP_ADAMW, STEP_MLM } work;

typedef struct bench {
    encoder *m;
    encoder_ws *ws;
    adamw *opt;
    float *grads;
    int32_t ids[B * S], offsets[B + 1], labels[B], masked[B * S / 7];
    batch b;
} bench;

static void fill_batch(bench *k, int ragged) {
    rng_stream r = rng_open(1, RNG_TEST, 0, 0);
    for (int s = 0; s < B; s++) {
        int n = ragged ? SHORTEST + (int)rng_below(&r, LONGEST - SHORTEST + 1) : S;
        k->offsets[s + 1] = k->offsets[s] + n;
        k->labels[s] = s % 2;
    }
    for (int i = 0; i < B * S / 7; i++)
        k->masked[i] = 7 * i;
    for (int t = 0; t < B * S; t++)
        k->ids[t] = (int32_t)rng_below(&r, 30522);
    k->b = (batch){
        .B = B, .T = k->offsets[B], .ids = k->ids, .offsets = k->offsets, .labels = k->labels};
}

static err turn(bench *k, work w) {
    const float *logits;
    if (w == FORWARD || w == RAGGED)
        return encoder_classify(k->ws, k->m, &k->b, NULL, &logits);
    dropout d = {.seed = 1, .hidden = 0.1f, .attention = 0.1f};
    double loss;
    memset(k->grads, 0, k->m->n * sizeof *k->grads);
    if (w == STEP_MLM) /* true words: whichever are in the first places */
        return encoder_mlm_step(k->ws, k->m, &k->b, k->masked, k->ids, B * S / 7, &d, 1.0f,
                                k->grads, &loss);
    CALL(encoder_classify_step(k->ws, k->m, &k->b, &d, 1.0f, k->grads, &loss));
    if (w == STEP_ADAMW)
        adamw_step(k->opt, k->m->block, k->grads, 1e-5,
                   clip_scale(gradient_norm(k->grads, k->m->n), 1.0));
    return OK;
}

/* operations of one forward pass over the batch */
static double operations(const bench *k, work w) {
    const encoder_config *c = &k->m->c;
    double H = c->H, sum = 0.0;
    for (int s = 0; s < B; s++) {
        double n = k->offsets[s + 1] - k->offsets[s];
        sum += 2.0 * n * (4.0 * H * H + 2.0 * H * c->F) + 4.0 * n * n * H;
    }
    double head = w == STEP_MLM ? 2.0 * (B * S / 7) * H * (H + c->V) : 0.0;
    return sum * c->L + head;
}

static err measure(bench *k, const char *size_name, work w, double seconds, double top) {
    static const char *const names[] = {"forward", "forward ragged", "forward+backward",
                                        "training step", "masked language"};
    fill_batch(k, w == RAGGED);
    CALL(turn(k, w)); /* grow the workspace */
    double best = 1e30, end = now() + seconds;
    do {
        double start = now();
        CALL(turn(k, w));
        double took = now() - start;
        best = took < best ? took : best;
    } while (now() < end);
    double rate = operations(k, w) * (w >= STEP ? 3.0 : 1.0) / best;
    printf("%-6s %-17s %9.0f tokens/s  %6.1f GFLOP/s  %4.1f %% of peak\n", size_name, names[w],
           k->b.T / best, rate * 1e-9, 100.0 * rate / top);
    return OK;
}

static err run(const size *z, double seconds, double top) {
    bench *k = NULL;
    encoder_config c = {.V = 30522, .H = z->H, .L = z->L, .A = z->A, .F = z->F};
    c.P = 512;
    c.Y = 2;
    c.K = 2;
    c.mlm = 1;
    c.norm_eps = 1e-12f;
    double rate;
    err e;
    TRY(mem_alloc(1, sizeof *k, &k));
    TRY(gemm(seconds, B * S, c.F, c.H, &rate));
    printf("%-6s %-17s %26.1f GFLOP/s  %4.1f %% of peak\n", z->name, "sgemm T x F x H", rate * 1e-9,
           100.0 * rate / top);
    TRY(encoder_create(&c, &k->m));
    encoder_init(k->m, 1);
    TRY(encoder_ws_create(&c, &k->ws));
    TRY(adamw_create(&c, 0.01, &k->opt));
    TRY(mem_alloc(k->m->n, sizeof *k->grads, &k->grads));
    for (work w = FORWARD; w <= STEP_MLM; w++)
        TRY(measure(k, z->name, w, seconds, top));
done:
    if (k) {
        encoder_destroy(&k->m);
        encoder_ws_destroy(&k->ws);
        adamw_destroy(&k->opt);
        free(k->grads);
    }
    free(k);
    return e;
}

int main(int argc, char **argv) {
    arguments a = {.seconds = 1.0};
    const struct argp argp = {OPTIONS, parse, NULL, "Speed of the encoder on one core.",
                              NULL,    NULL,  NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    float sink = 0.0f;
    double top = peak(a.seconds, &sink);
    printf("peak   %46.1f GFLOP/s (%g)\n", top * 1e-9, (double)sink);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        if (a.size && strcmp(a.size, SIZES[i].name) != 0)
            continue;
        if (run(&SIZES[i], a.seconds, top) != OK) {
            fprintf(stderr, "bench_encoder: %s\n", err_message());
            return 1;
        }
    }
    return 0;
}
