/* bench_precision: what bfloat16 products gain over float32 ones, and what they cost.
 *
 *     bench_precision [--size NAME] [--pairs N]
 *
 * Speed: turns of the same work in both precisions, one after the other; ratios are medians over
 * the pairs. Errors: root mean square of the difference over that of float32's values, for the last
 * hidden states and for the gradient of one training step. Encoders have random weights, normal(0,
 * 0.02). With ESPALIER_DATA, and a classifier of SST-2 in ../models/sst2-tiny below it: its
 * accuracy on the validation split in both. */
#include "lengths.h"
#include "peak.h"
#include "share.h"
#include "workload.h"

#include "base/arena.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"
#include "text/dataset.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { S = 64, RAGGED = 8, MOST_PAIRS = 1000 };
static const double TARGET = 1.6; /* forward pass of base, times float32 */

typedef struct arguments {
    const char *size; /* NULL: all */
    int pairs;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny 2x128, mini 4x256, small 4x512 or base 12x768; default: all", 0},
    {"pairs", 'p', "N", 0, "pairs for every ratio; default 5", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 'p')
        a->pairs = (int)strtol(arg, NULL, 10);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* --- speed ----------------------------------------------------------------------------------- */

static err timed(workload *k, work w, precision p, int j, double *seconds) {
    workload_precision(k, p);
    double start = peak_now();
    CALL(workload_turn(k, w, j));
    *seconds = peak_now() - start;
    return OK;
}

static err speed(const arguments *a, const size *z, const char *what, work w, const lengths *n) {
    static double rate32[MOST_PAIRS], rate16[MOST_PAIRS], ratio[MOST_PAIRS];
    workload *k = NULL;
    double t32, t16;
    err e;
    TRY(workload_create(z, n, 0, &k));
    for (int i = -1; i < a->pairs; i++) { /* the first warms up */
        int j = (i + 1) % n->batches;
        TRY(timed(k, w, FLOAT32, j, &t32));
        TRY(timed(k, w, BFLOAT16, j, &t16));
        if (i < 0)
            continue;
        rate32[i] = workload_tokens(k, j) / t32;
        rate16[i] = workload_tokens(k, j) / t16;
        ratio[i] = t32 / t16;
    }
    double times = share_median(ratio, a->pairs);
    printf("%-6s %-24s %9.0f  %9.0f  %5.2f", z->name, what, share_median(rate32, a->pairs),
           share_median(rate16, a->pairs), times);
    if (w == WORK_HIDDEN && z == &SIZE[SIZES - 1])
        printf("  (target %.1f)", TARGET);
    printf("\n");
    fflush(stdout);
done:
    workload_destroy(&k);
    return e;
}

/* --- errors ---------------------------------------------------------------------------------- */

/* what work w leaves behind, of an encoder with new weights: n floats, caller frees */
static err values(const size *z, work w, precision p, const lengths *l, float **out, size_t *n) {
    workload *k = NULL;
    err e;
    *out = NULL;
    TRY(workload_create(z, l, 0, &k));
    workload_precision(k, p);
    TRY(workload_turn(k, w, 0));
    const float *x = w == WORK_TRAIN ? workload_gradient(k, n) : workload_hidden(k, 0, n);
    TRY(mem_alloc(*n, sizeof **out, out));
    memcpy(*out, x, *n * sizeof **out);
done:
    workload_destroy(&k);
    return e;
}

static err relative_error(const size *z, work w, const lengths *l, double *rms) {
    float *x = NULL, *y = NULL;
    size_t n;
    double sum = 0.0, apart = 0.0;
    err e;
    TRY(values(z, w, FLOAT32, l, &x, &n));
    TRY(values(z, w, BFLOAT16, l, &y, &n));
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * x[i];
        apart += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
    }
    *rms = sqrt(apart / sum);
done:
    free(x);
    free(y);
    return e;
}

static err errors(const size *z, const lengths *l) {
    double hidden, gradient;
    CALL(relative_error(z, WORK_HIDDEN, l, &hidden));
    CALL(relative_error(z, WORK_TRAIN, l, &gradient));
    printf("%-6s relative error of bf16: hidden states %.2e, gradient %.2e\n", z->name, hidden,
           gradient);
    fflush(stdout);
    return OK;
}

/* --- a classifier ---------------------------------------------------------------------------- */

typedef struct agreement {
    int n, right32, right16, differ;
    double largest; /* difference of a probability */
} agreement;

static int largest(const double *p, int K) {
    int best = 0;
    for (int i = 1; i < K; i++)
        best = p[i] > p[best] ? i : best;
    return best;
}

static err compare_batch(encoder *m, encoder_ws *ws, const batch *b, agreement *a) {
    double p[2][LENGTHS_B * ENCODER_MAX_CLASSES];
    int K = m->c.K;
    const float *logits;
    for (int i = 0; i < 2; i++) {
        m->c.p = i == 0 ? FLOAT32 : BFLOAT16;
        CALL(encoder_classify(ws, m, b, NULL, &logits));
        encoder_softmax(p[i], logits, b->B, K);
    }
    for (int s = 0; s < b->B; s++) {
        int c32 = largest(p[0] + s * K, K), c16 = largest(p[1] + s * K, K);
        a->n++;
        a->right32 += c32 == b->labels[s];
        a->right16 += c16 == b->labels[s];
        a->differ += c32 != c16;
        for (int c = 0; c < K; c++)
            a->largest = fmax(a->largest, fabs(p[0][s * K + c] - p[1][s * K + c]));
    }
    return OK;
}

static err compare_all(encoder *m, const examples *x, agreement *a) {
    encoder_ws *ws = NULL;
    packer *pack = NULL;
    int32_t rows[LENGTHS_B];
    batch b;
    err e;
    TRY(encoder_ws_create(&m->c, &ws));
    TRY(packer_create(x, LENGTHS_B, &pack));
    for (int at = 0; at < x->n; at += LENGTHS_B) {
        int n = x->n - at < LENGTHS_B ? x->n - at : LENGTHS_B;
        for (int i = 0; i < n; i++)
            rows[i] = at + i;
        TRY(packer_pack(pack, rows, n, &b));
        TRY(compare_batch(m, ws, &b, a));
    }
done:
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    return e;
}

static err classifier(const char *root) {
    char path[4096];
    encoder *m = NULL;
    tokenizer *w = NULL;
    dataset d = {0};
    examples x = {0};
    agreement a = {0};
    err e;
    snprintf(path, sizeof path, "%s/../models/sst2-tiny", root);
    TRY(encoder_load(path, (encoder_want){.classes = -1}, &m));
    snprintf(path, sizeof path, "%s/vocab/bert-base-uncased.txt", root);
    TRY(tokenizer_open(path, &w));
    TRY(dataset_read("sst2", root, "test", &d));
    TRY(examples_make(&d, w, S, &x));
    TRY(compare_all(m, &x, &a));
    printf("sst2-tiny, %d validation sentences: %.2f %% right in float32, %.2f %% in bf16; %d "
           "answers differ, probabilities by at most %.1e\n",
           a.n, 100.0 * a.right32 / a.n, 100.0 * a.right16 / a.n, a.differ, a.largest);
done:
    encoder_destroy(&m);
    tokenizer_close(&w);
    dataset_free(&d);
    examples_free(&x);
    return e;
}

/* --- */

static err run(const arguments *a) {
    const char *root = getenv("ESPALIER_DATA");
    lengths fixed = {0}, ragged = {0};
    err e;
    TRY(lengths_fixed(S, &fixed));
    TRY(lengths_sst2(RAGGED, &ragged));
    printf("%s; one core, CPU time, medians of %d pairs\n", gemm_describe(), a->pairs);
    printf("%-6s %-24s %9s  %9s  %5s  (tokens/s)\n", "size", "what", "float32", "bf16", "times");
    for (int i = 0; i < SIZES; i++) {
        const size *z = &SIZE[i];
        if (a->size && size_find(a->size) != z)
            continue;
        TRY(speed(a, z, "forward, 64", WORK_HIDDEN, &fixed));
        TRY(speed(a, z, "training step, 64", WORK_TRAIN, &fixed));
        TRY(speed(a, z, "classification, SST-2", WORK_FORWARD, &ragged));
        TRY(speed(a, z, "training step, SST-2", WORK_TRAIN, &ragged));
        TRY(errors(z, &ragged));
    }
    if (root)
        TRY(classifier(root));
done:
    lengths_free(&fixed);
    lengths_free(&ragged);
    return e;
}

int main(int argc, char **argv) {
    arguments a = {.pairs = 5};
    const struct argp argp = {OPTIONS, parse, NULL, "bfloat16 beside float32 on one core.",
                              NULL,    NULL,  NULL};
    blas_start(argv);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if ((a.size && !size_find(a.size)) || a.pairs < 1 || a.pairs > MOST_PAIRS) {
        fprintf(stderr, "bench_precision: sizes are tiny, mini, small and base; pairs 1 to %d\n",
                MOST_PAIRS);
        return 2;
    }
    if (!gemm_has_bfloat16()) {
        printf("this machine, or this build, does not multiply bfloat16: nothing to compare\n");
        return 0;
    }
    blas_single_thread();
    if (run(&a) != OK) {
        fprintf(stderr, "bench_precision: %s\n", err_message());
        return 1;
    }
    return 0;
}
