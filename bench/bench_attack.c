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
 * "again": every further one, which shares them. Under mpirun also how much faster all ranks are
 * than one, in wall time and in CPU time of the busiest rank. */
#include "peak.h"
#include "share.h"
#include "workload.h"

#include "attack/attack.h"
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

enum { BATCH = 32, MAX_LENGTH = 64, MOST_TURNS = 100 };
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

typedef struct bench {
    const par *p;
    tokenizer *w;
    dataset rows;
    encoder *victim, *judge;
    encoder_ws *ws;
    attack *a;
    attack_result *r; // (rows.n)
    attack_counts counts;
} bench;

static err data_path(char out[OPTION_TEXT_BYTES], const char *name) {
    const char *root = getenv("ESPALIER_DATA");
    char path[4096];
    CHECK(root, ERR_USAGE, "set ESPALIER_DATA to the folder with sst2/, vocab/, synonyms/, pos/");
    CALL(path_join(path, root, name));
    CHECK(strlen(path) < OPTION_TEXT_BYTES, ERR_USAGE, "%s: path too long", path);
    memcpy(out, path, strlen(path) + 1);
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

static err open_attack(bench *b, const char *alike) {
    attack_options o;
    CALL(recipe_options("textfooler", &o));
    CALL(data_path(o.neighbours, "synonyms/counterfitted_neighbors.json"));
    CALL(data_path(o.tagger_path, "pos/nltk-perceptron.json"));
    snprintf(o.tagger, sizeof o.tagger, "perceptron");
    snprintf(o.similarity_source, sizeof o.similarity_source, "%s", alike);
    attack_setup setup = {
        .o = &o, .w = b->w, .similarity = b->judge, .max_length = MAX_LENGTH, .seed = 1};
    return attack_open(&setup, &b->a);
}

static err open_bench(bench *b, const size *z, int rows) {
    char path[OPTION_TEXT_BYTES];
    CALL(data_path(path, "vocab/bert-base-uncased.txt"));
    CALL(tokenizer_open(path, &b->w));
    CALL(data_path(path, ""));
    CALL(dataset_read("sst2", path, "test", &b->rows));
    if (rows < b->rows.n)
        b->rows.n = rows;
    for (int i = 0; i < b->rows.n; i++)
        b->rows.label[i] = 0;
    CALL(mem_alloc((size_t)b->rows.n, sizeof *b->r, &b->r));
    CALL(make_encoder(z, 2, &b->victim));
    b->victim->p.class_b[0] = 20.0f; /* whatever the words */
    CALL(make_encoder(size_find("mini"), 0, &b->judge));
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

/* a feed of the rows at .. end - 1 */
typedef struct line {
    bench *b;
    int at, end;
} line;

static err next_row(void *state, int64_t *unit, const char **text, int *label) {
    line *l = state;
    *unit = l->at < l->end ? l->at++ : -1;
    if (*unit >= 0) {
        *text = dataset_text(&l->b->rows, (int)*unit);
        *label = l->b->rows.label[*unit];
    }
    return OK;
}

static err keep_row(void *state, int64_t unit, err e, attack_result *r) {
    line *l = state;
    CALL(e);
    attack_result_free(&l->b->r[unit]);
    l->b->r[unit] = *r;
    *r = (attack_result){0};
    return OK;
}

static err attack_rows(bench *b, int first, int n) {
    line l = {b, first, first + n};
    const feed f = {.state = &l, .next = next_row, .done = keep_row};
    return engine_run(b->a->engine, b->ws, b->victim, &f);
}

/* tokens a second of CPU time of an attack on the rows */
static err attack_turn(bench *b, int first, int n, double *rate) {
    const int64_t before = engine_done(b->a->engine).tokens;
    const double start = peak_now();
    CALL(attack_rows(b, first, n));
    *rate = (double)(engine_done(b->a->engine).tokens - before) / (peak_now() - start);
    return OK;
}

/* the same of plain forward passes: each row as often as it was asked about */
static err plain_turn(bench *b, int first, int n, double *rate) {
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
            const float *logits;
            TRY(packer_pack(pack, index, B, &one));
            const double start = peak_now();
            TRY(encoder_classify(b->ws, b->victim, &one, NULL, &logits));
            seconds += peak_now() - start;
            tokens += one.T;
            B = 0;
        }
    *rate = (double)tokens / seconds;
done:
    packer_destroy(&pack);
    examples_free(&x);
    return e;
}

static err measure(bench *b, const size *z, const char *alike, int chunk) {
    double plain[MOST_TURNS], ratio[2][MOST_TURNS], rate, after;
    int turns = 0;
    err e;
    CHECK(chunk > 0, ERR_USAGE, "--chunk: expected a number of sentences");
    TRY(open_attack(b, alike));
    TRY(attack_turn(b, 0, chunk, &rate)); /* warms up; its rows do not count */
    for (int i = chunk; i + chunk <= b->rows.n && turns < MOST_TURNS; i += chunk, turns++) {
        double first, again;
        TRY(attack_turn(b, i, chunk, &first));
        TRY(plain_turn(b, i, chunk, &plain[turns]));
        TRY(attack_turn(b, i, chunk, &again));
        TRY(plain_turn(b, i, chunk, &after));
        plain[turns] = 2.0 / (1.0 / plain[turns] + 1.0 / after);
        ratio[0][turns] = 100.0 * first / plain[turns];
        ratio[1][turns] = 100.0 * again / plain[turns];
    }
    ENSURE(turns > 0, ERR_USAGE, "at least %d rows are needed", 2 * chunk);
    if (b->p->rank == 0)
        printf("%-6s %-10s %9.0f %9.0f %% %9.0f %%   %3.0f %%  %5d\n", z->name, alike,
               share_median(plain, turns), share_median(ratio[0], turns),
               share_median(ratio[1], turns), TARGET, turns);
done:
    attack_close(&b->a);
    return e;
}

/* all rows by rank 0 alone, then by all */
static err scale(bench *b, const size *z) {
    double wall[2], busy[2];
    int64_t most;
    CALL(par_agree(b->p, open_attack(b, "none")));
    for (int all = 0; all < 2; all++) {
        free_results(b);
        CALL(par_barrier(b->p));
        double begun = clock_now(), cpu = peak_now();
        if (all)
            CALL(attack_all(b->p, b->a, b->victim, &b->rows, NULL, "attack", "bench", b->r,
                            &b->counts));
        else
            CALL(par_agree(b->p, b->p->rank == 0 ? attack_rows(b, 0, b->rows.n) : OK));
        most = (int64_t)(1e9 * (peak_now() - cpu));
        CALL(par_barrier(b->p));
        wall[all] = clock_now() - begun;
        CALL(par_max_i64(b->p, &most, 1));
        busy[all] = 1e-9 * (double)most;
        attack_close(&b->a);
        CALL(par_agree(b->p, open_attack(b, "none")));
    }
    if (b->p->rank == 0)
        printf(
            "%-6s %d ranks against one: %.2f times in wall time, %.2f in CPU time of the busiest "
            "rank (wanted on idle cores: %.2f)\n",
            z->name, b->p->size, wall[0] / wall[1], busy[0] / busy[1], 0.95 * b->p->size);
    attack_close(&b->a);
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
    TRY(measure(&b, z, "none", a->chunk));
    TRY(measure(&b, z, "encoder", a->chunk));
done:
    close_bench(&b);
    return e;
}

static err bench_all(const par *p, const arguments *a) {
    static const char *const sizes[] = {"mini", "base"};
    if (p->rank == 0 && p->size == 1)
        printf("size   similarity    plain     first      again   wanted  turns   (plain: useful "
               "tokens/s; similarity by a 4 x 256 encoder)\n");
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
