/* bench_attack: what an attack costs beside the forward passes that it asks for.
 *
 *     bench_attack [--size NAME] [--rows N] [--chunk N]          needs ESPALIER_DATA (SST-2,
 * neighbours, tagger)
 *
 * TextFooler on SST-2's validation sentences, against an encoder with random weights that never
 * gives way, so that every word's candidates are asked about. Useful tokens of the victim's forward
 * passes a second of CPU time, as a share of the plain forward pass over sequences of the same
 * lengths, as many, in batches of 32; both in turns on the same sentences, the median over the
 * turns. "First": the first model of a table, which finds candidates, tags and similarities;
 * "again": every further one, which shares them. The similarity encoder (4 x 256) computes one
 * vector for each candidate: "its tokens" are those of its forward passes for each of the victim's,
 * and "both" is the first model's share with these passes counted too, at their own plain rate: how
 * much of the time goes into forward passes at all. Under mpirun also how much faster all ranks are
 * than one, in wall time and in CPU time of the busiest rank. */
#include "attack_rows.h"
#include "peak.h"
#include "share.h"
#include "workload.h"

#include "attack/engine.h"
#include "attack/parts.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "tensor/blas.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, MAX_LENGTH = 64, MOST_TURNS = 100, SCALE_TURNS = 5 };
static const double TARGET = 80.0;

typedef struct arguments {
    const char *size; /* NULL: mini and base */
    int rows, chunk;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny, mini, small or base; default: mini and base", 0},
    {"rows", 'n', "N", 0, "sentences; default 200", 0},
    {"chunk", 'c', "N", 0, "sentences a turn; default 10", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 'n')
        a->rows = atoi(arg);
    else if (key == 'c')
        a->chunk = atoi(arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* how sentence similarity is computed */
typedef struct way {
    const char *name, *source, *precision;
} way;

static const way WAY[] = {{"none", "none", "auto"},
                          {"encoder", "encoder", "float32"},
                          {"encoder in bf16", "encoder", "bf16"}};

typedef struct bench {
    const par *p;
    tokenizer *w;
    dataset rows;
    encoder *victim, *judge;
    encoder_ws *ws, *judge_ws;
    attack *a;
    attack_result *r; // (rows.n)
    attack_counts counts;
} bench;

static err data_root(const char **root) {
    *root = getenv("ESPALIER_DATA");
    CHECK(*root, ERR_USAGE, "set ESPALIER_DATA to the folder with sst2/, vocab/, synonyms/, pos/");
    return OK;
}

static err make_encoder(const size *z, int K, encoder **out) {
    encoder_config c = {.V = 30522, .H = z->H, .L = z->L, .A = z->A, .F = z->F, .P = 512};
    c.Y = 2;
    c.K = K;
    c.norm_eps = 1e-12f;
    CALL(encoder_create(&c, out));
    encoder_init(*out, 1);
    return OK;
}

static err open_attack(bench *b, const way *by) {
    attack_options o;
    const char *root;
    CALL(data_root(&root));
    CALL(attack_rows_options(root, by->source, &o));
    snprintf(o.similarity_precision, sizeof o.similarity_precision, "%s", by->precision);
    b->judge->c.p = strcmp(by->precision, "bf16") == 0 ? BFLOAT16 : FLOAT32;
    attack_setup setup = {
        .o = &o, .w = b->w, .similarity = b->judge, .max_length = MAX_LENGTH, .seed = 1};
    return attack_open(&setup, &b->a);
}

static err open_bench(bench *b, const size *z, int rows) {
    char path[OPTION_TEXT_BYTES];
    const char *root;
    CALL(data_root(&root));
    CALL(attack_rows_path(path, root, "vocab/bert-base-uncased.txt"));
    CALL(tokenizer_open(path, &b->w));
    CALL(dataset_read("sst2", root, "test", &b->rows));
    if (rows < b->rows.n)
        b->rows.n = rows;
    for (int i = 0; i < b->rows.n; i++)
        b->rows.label[i] = 0;
    CALL(mem_alloc((size_t)b->rows.n, sizeof *b->r, &b->r));
    CALL(make_encoder(z, 2, &b->victim));
    b->victim->p.class_b[0] = 20.0f; /* whatever the words */
    CALL(make_encoder(size_find("mini"), 0, &b->judge));
    CALL(encoder_ws_create(&b->judge->c, &b->judge_ws));
    return encoder_ws_create(&b->victim->c, &b->ws);
}

static void free_results(bench *b) {
    for (int i = 0; i < b->rows.n; i++)
        attack_result_free(&b->r[i]);
}

static void close_bench(bench *b) {
    free_results(b);
    free(b->r);
    attack_close(&b->a);
    encoder_ws_destroy(&b->ws);
    encoder_ws_destroy(&b->judge_ws);
    encoder_destroy(&b->victim);
    encoder_destroy(&b->judge);
    dataset_free(&b->rows);
    tokenizer_close(&b->w);
}

/* rows first .. first + n - 1 as a view */
static dataset part(const bench *b, int first, int n) {
    dataset d = b->rows;
    d.n = n;
    d.offset += first;
    d.label += first;
    return d;
}

static err attack_part(bench *b, int first, int n) {
    return attack_rows(b->a, b->ws, b->victim, &b->rows, first, n, b->r + first);
}

/* tokens of the victim's forward passes a second of CPU time of an attack on the rows; *alike:
 * tokens of the similarity encoder's for each of them */
static err attack_turn(bench *b, int first, int n, double *rate, double *alike) {
    const int64_t before = engine_done(b->a->engine).tokens;
    const int64_t alike_before = b->a->alike ? similarity_work(b->a->alike).tokens : 0;
    const double start = peak_now();
    CALL(attack_part(b, first, n));
    const double seconds = peak_now() - start;
    const int64_t tokens = engine_done(b->a->engine).tokens - before;
    *rate = (double)tokens / seconds;
    *alike = 0.0;
    if (b->a->alike)
        *alike = (double)(similarity_work(b->a->alike).tokens - alike_before) / (double)tokens;
    return OK;
}

/* one batch through the victim, or the similarity encoder, which gives all hidden states */
static err plain_batch(bench *b, int judge, const batch *one, double *seconds) {
    const float *logits;
    const double start = peak_now();
    if (judge)
        CALL(encoder_forward(b->judge_ws, b->judge, one, NULL, 0));
    else
        CALL(encoder_classify(b->ws, b->victim, one, NULL, &logits));
    *seconds += peak_now() - start;
    return OK;
}

/* tokens a second of plain forward passes: each row as often as it was asked about */
static err plain_turn(bench *b, int judge, int first, int n, double *rate) {
    const dataset d = part(b, first, n);
    examples x = {0};
    packer *pack = NULL;
    int32_t index[BATCH];
    int64_t tokens = 0;
    double seconds = 0.0;
    err e;
    TRY(examples_make(&d, b->w, MAX_LENGTH, &x));
    TRY(packer_create(&x, BATCH, &pack));
    for (int i = 0, B = 0; i < n; i++)
        for (int64_t q = 0; q < b->r[first + i].queries; q++) {
            index[B++] = i;
            if (B < BATCH && (i + 1 < n || q + 1 < b->r[first + i].queries))
                continue;
            batch one;
            TRY(packer_pack(pack, index, B, &one));
            TRY(plain_batch(b, judge, &one, &seconds));
            tokens += one.T;
            B = 0;
        }
    *rate = (double)tokens / seconds;
done:
    packer_destroy(&pack);
    examples_free(&x);
    return e;
}

/* figures of each turn */
typedef struct turns {
    int n;
    double plain[MOST_TURNS];                                      /* tokens a second */
    double first[MOST_TURNS], again[MOST_TURNS], both[MOST_TURNS]; /* % of plain */
    double alike[MOST_TURNS];
} turns;

static err one_turn(bench *b, int first, int n, turns *t) {
    double rate[2], plain[2], judge = 1.0, none;
    const int k = t->n++;
    CALL(attack_turn(b, first, n, &rate[0], &t->alike[k]));
    CALL(plain_turn(b, 0, first, n, &plain[0]));
    if (b->a->alike)
        CALL(plain_turn(b, 1, first, n, &judge));
    CALL(attack_turn(b, first, n, &rate[1], &none));
    CALL(plain_turn(b, 0, first, n, &plain[1]));
    t->plain[k] = 2.0 / (1.0 / plain[0] + 1.0 / plain[1]);
    t->first[k] = 100.0 * rate[0] / t->plain[k];
    t->again[k] = 100.0 * rate[1] / t->plain[k];
    t->both[k] = t->first[k] + 100.0 * t->alike[k] * rate[0] / judge;
    return OK;
}

static err measure(bench *b, const size *z, const way *by, int chunk) {
    turns t = {0};
    double rate, none;
    err e;
    CHECK(chunk > 0, ERR_USAGE, "--chunk: expected a number of sentences");
    TRY(open_attack(b, by));
    TRY(attack_turn(b, 0, chunk, &rate, &none)); /* warms up; its rows do not count */
    for (int i = chunk; i + chunk <= b->rows.n && t.n < MOST_TURNS; i += chunk)
        TRY(one_turn(b, i, chunk, &t));
    ENSURE(t.n > 0, ERR_USAGE, "at least %d rows are needed", 2 * chunk);
    if (b->p->rank == 0)
        printf("%-6s %-14s %9.0f %9.0f %% %9.0f %%   %3.0f %%  %9.2f %9.0f %%  %5d\n", z->name,
               by->name, share_median(t.plain, t.n), share_median(t.first, t.n),
               share_median(t.again, t.n), TARGET, share_median(t.alike, t.n),
               share_median(t.both, t.n), t.n);
    fflush(stdout); /* a run takes minutes */
done:
    attack_close(&b->a);
    return e;
}

/* all rows by rank 0 alone, or by all: seconds of wall time, and of CPU time of the busiest rank */
static err scale_turn(bench *b, int all, double *wall, double *busy) {
    int64_t most;
    err e;
    free_results(b);
    TRY(par_agree(b->p, open_attack(b, &WAY[0])));
    TRY(par_barrier(b->p));
    const double begun = clock_now(), cpu = peak_now();
    if (all)
        TRY(attack_all(b->p, b->a, b->victim, &b->rows, NULL, "attack", "bench", b->r, &b->counts));
    else
        TRY(par_agree(b->p, b->p->rank == 0 ? attack_part(b, 0, b->rows.n) : OK));
    most = (int64_t)(1e9 * (peak_now() - cpu));
    TRY(par_barrier(b->p));
    *wall = clock_now() - begun;
    TRY(par_max_i64(b->p, &most, 1));
    *busy = 1e-9 * (double)most;
done:
    attack_close(&b->a);
    return e;
}

/* one rank and all ranks in turns */
static err scale(bench *b, const size *z) {
    double wall[SCALE_TURNS], busy[SCALE_TURNS];
    for (int t = 0; t < SCALE_TURNS; t++) {
        double w[2], s[2];
        for (int k = 0; k < 2; k++) { /* which comes first goes round */
            const int all = (t + k) % 2;
            CALL(scale_turn(b, all, &w[all], &s[all]));
        }
        wall[t] = w[0] / w[1];
        busy[t] = s[0] / s[1];
    }
    const double in_wall = share_median(wall, SCALE_TURNS);
    const double in_cpu = share_median(busy, SCALE_TURNS); /* sorts */
    if (b->p->rank == 0)
        printf("%-6s %d ranks against one, %d turns: %.2f times in wall time, %.2f [%.2f, %.2f] in "
               "CPU time of the busiest rank (wanted on idle cores: %.2f)\n",
               z->name, b->p->size, SCALE_TURNS, in_wall, in_cpu, busy[0], busy[SCALE_TURNS - 1],
               0.95 * b->p->size);
    return OK;
}

static err bench_size(const par *p, const size *z, const arguments *a) {
    bench b = {.p = p};
    err e;
    TRY(par_agree(p, open_bench(&b, z, a->rows)));
    if (p->size > 1) {
        TRY(scale(&b, z));
        goto done;
    }
    for (int k = 0; k < 2 + gemm_has_bfloat16(); k++)
        TRY(measure(&b, z, &WAY[k], a->chunk));
done:
    close_bench(&b);
    return e;
}

static err bench_all(const par *p, const arguments *a) {
    static const char *const sizes[] = {"mini", "base"};
    if (p->rank == 0 && p->size == 1)
        printf("size   similarity          plain       first       again   wanted  its tokens    "
               "both  "
               "  turns\n");
    if (a->size)
        return bench_size(p, size_find(a->size), a);
    for (int i = 0; i < 2; i++)
        CALL(bench_size(p, size_find(sizes[i]), a));
    return OK;
}

int main(int argc, char **argv) {
    const struct argp argp = {OPTIONS, parse, NULL, "Speed of attacks.", NULL, NULL, NULL};
    arguments a = {.rows = 200, .chunk = 10};
    par *p;
    blas_start(argv);
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    blas_single_thread();
    log_open(1, LOG_QUIET);
    err e = a.size && !size_find(a.size) ? ERR_USAGE : bench_all(p, &a);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_attack: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
