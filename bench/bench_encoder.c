/* bench_encoder: tokens a second of inference and training of the four sizes, and their share of
 * the float32 peak of one core.
 *
 *     bench_encoder [--size NAME] [--seconds S] [--memory]
 *
 * "64": 32 sequences of 64 tokens, no padding; "SST-2": ragged batches of 32 of its training split.
 * Peak and encoder are measured in turns; rates and shares are medians (share.h). After base: the
 * peak memory of a process of its own that takes one training step of it, 32 sequences of 128
 * tokens; --memory: only that. */
#include "lengths.h"
#include "peak.h"
#include "share.h"
#include "workload.h"

#include "tensor/blas.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { S = 64, S_MEMORY = 128, RAGGED = 8, LEAST = 3 };

typedef struct arguments {
    const char *size; /* NULL: all */
    const char *what; /* only figures whose name contains it */
    double seconds;
    int memory;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny 2x128, mini 4x256, small 4x512 or base 12x768; default: all", 0},
    {"what", 'w', "TEXT", 0, "only figures whose name contains TEXT", 0},
    {"seconds", 't', "S", 0, "least time for every figure; default 1", 0},
    {"memory", 'm', NULL, 0, "only the peak memory of base, batch 32, sequence 128", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 'w')
        a->what = arg;
    else if (key == 't')
        a->seconds = strtod(arg, NULL);
    else if (key == 'm')
        a->memory = 1;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* what one turn does: the next batch */
typedef struct subject {
    workload *k;
    work w;
    int next, batches;
    double seconds, tokens;
} subject;

static err turn(void *state, double *rate) {
    subject *x = state;
    int j = x->next++ % x->batches;
    double start = peak_now();
    CALL(workload_turn(x->k, x->w, j));
    double took = peak_now() - start;
    *rate = workload_operations(x->k, x->w, j) / took;
    x->seconds += took;
    x->tokens += workload_tokens(x->k, j);
    return OK;
}

static err measure(const arguments *a, const size *z, const char *what, const lengths *n, work w,
                   double target) {
    if (!strstr(what, a->what))
        return OK;
    subject x = {.w = w, .batches = n->batches};
    share r;
    char wanted[16] = "";
    err e;
    TRY(workload_create(z, n, w == WORK_MLM, &x.k));
    TRY(share_measure(turn, &x, share_fp32, NULL, a->seconds, LEAST, &r));
    if (target > 0.0)
        snprintf(wanted, sizeof wanted, "%.0f %%", 100.0 * target);
    printf("%-6s %-24s %9.0f  %7.1f  %5.1f  %5.1f %%  %5.1f %%  %6s  %5d\n", z->name, what,
           x.tokens / x.seconds, r.rate * 1e-9, r.limit * 1e-9, 100.0 * r.ratio, 100.0 * r.best,
           wanted, r.turns);
    fflush(stdout);
done:
    workload_destroy(&x.k);
    return e;
}

static err run(const arguments *a, const size *z, const lengths *fixed, const lengths *ragged) {
    CALL(measure(a, z, "forward, 64", fixed, WORK_HIDDEN, z->forward));
    CALL(measure(a, z, "training step, 64", fixed, WORK_TRAIN, z->train));
    CALL(measure(a, z, "classification, 64", fixed, WORK_FORWARD, 0.0));
    CALL(measure(a, z, "classification, SST-2", ragged, WORK_FORWARD, 0.0));
    CALL(measure(a, z, "training step, SST-2", ragged, WORK_TRAIN, 0.0));
    if (z->L <= 4) /* base's would take as long as all the others */
        CALL(measure(a, z, "masked-language step, 64", fixed, WORK_MLM, 0.0));
    return OK;
}

/* of this whole process: nothing else has been allocated in it */
static err memory(void) {
    const size *z = size_find("base");
    lengths n = {0};
    workload *k = NULL;
    struct rusage used;
    err e;
    TRY(lengths_fixed(S_MEMORY, &n));
    TRY(workload_create(z, &n, 0, &k));
    TRY(workload_turn(k, WORK_TRAIN, 0));
    getrusage(RUSAGE_SELF, &used);
    printf("peak memory of a training step, base, %d sequences of %d tokens: %.2f GiB (target: "
           "under 4.5)\n",
           LENGTHS_B, S_MEMORY, (double)used.ru_maxrss / (1 << 20));
done:
    workload_destroy(&k);
    lengths_free(&n);
    return e;
}

/* in a process of its own */
static err memory_apart(void) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_encoder", "--memory", (char *)NULL);
        _exit(127);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, ERR_FAILED,
          "the memory of base could not be measured");
    return OK;
}

static err run_all(const arguments *a) {
    lengths fixed = {0}, ragged = {0};
    err e;
    TRY(lengths_fixed(S, &fixed));
    TRY(lengths_sst2(RAGGED, &ragged));
    printf("batches of %d; ragged lengths: %s; one core, CPU time, medians of turns\n", LENGTHS_B,
           ragged.source);
    printf("%-6s %-24s %9s  %7s  %5s  %7s  %7s  %6s  %5s\n", "size", "what", "tokens/s", "GFLOP/s",
           "peak", "share", "best", "target", "turns");
    for (int i = 0; i < SIZES; i++)
        if (!a->size || size_find(a->size) == &SIZE[i])
            TRY(run(a, &SIZE[i], &fixed, &ragged));
    if (!a->what[0] && (!a->size || size_find(a->size)->L > 4))
        TRY(memory_apart());
done:
    lengths_free(&fixed);
    lengths_free(&ragged);
    return e;
}

int main(int argc, char **argv) {
    arguments a = {.seconds = 1.0, .what = ""};
    const struct argp argp = {OPTIONS, parse, NULL, "Speed of the encoder on one core.",
                              NULL,    NULL,  NULL};
    blas_start(argv);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.size && !size_find(a.size)) {
        fprintf(stderr, "bench_encoder: no size \"%s\": tiny, mini, small or base\n", a.size);
        return 2;
    }
    blas_single_thread();
    if ((a.memory ? memory() : run_all(&a)) != OK) {
        fprintf(stderr, "bench_encoder: %s\n", err_message());
        return 1;
    }
    return 0;
}
