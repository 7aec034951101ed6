/* bench_attack: what attacks cost beside the forward passes that they ask for.
 *
 *     bench_attack [--size NAME] [--models N] [--rows N] [--chunk N]     needs ESPALIER_DATA
 * (SST-2, bench_attack --victim FOLDER --victim FOLDER …                     neighbours, tagger)
 *
 * TextFooler on SST-2's validation sentences, against a table of models: encoders with random
 * weights, or those of a study. Share: useful tokens of the victims' forward passes a second of CPU
 * time, of the plain forward passes over sequences of the same lengths, as many, in batches of 32;
 * both in turns on the same sentences, the median over the turns; of the first model alone, which
 * finds candidates, tags and similarities, and of the first 2, 4, 6 together, which share what was
 * found. With random weights the models agree in nothing, those of a study share more.
 *
 * The similarity encoder computes one vector for each candidate: "its tokens" are those of its
 * forward passes for each of the first victim's, and "both" is the first model's share with these
 * passes counted too, at their own plain rate: how much of the time goes into forward passes at
 * all.
 *
 * Under mpirun: how much faster all ranks are than one, in wall time and in CPU time of the busiest
 * rank, and how many tokens the similarity encoders of all ranks read for each one of a rank
 * alone. The ranks that wait meanwhile keep their cores busy, as MPI's waiting does. */
#include "attack_bench.h"
#include "peak.h"
#include "share.h"

#include "attack/parts.h"
#include "base/clock.h"
#include "base/log.h"
#include "tensor/blas.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TURNS = 100, SCALE_TURNS = 5 }; /* the latter unless told */
static const double TARGET = 80.0;

typedef struct arguments {
    const char *size; /* NULL: mini and base */
    const char *victim[ATTACK_MODELS];
    int victims, models, rows, chunk; /* 0: by size */
    int turns;
    const char *way; /* NULL: all */
} arguments;

static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "tiny, mini, small or base; default: mini and base", 0},
    {"models", 'm', "N", 0, "in the table, 1 to 6; default: 6, of small and base 2", 0},
    {"victim", 'v', "FOLDER", 0, "a model of the table, instead of random ones; up to 6 times", 0},
    {"rows", 'n', "N", 0, "sentences; default 100, of small and base 40", 0},
    {"chunk", 'c', "N", 0, "sentences a turn; default 10", 0},
    {"turns", 't', "N", 0, "of ranks against one; default 5", 0},
    {"way", 'w', "NAME", 0, "of similarity, alone: as the table calls it", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == 's')
        a->size = arg;
    else if (key == 'm')
        a->models = atoi(arg);
    else if (key == 'v' && a->victims < ATTACK_MODELS)
        a->victim[a->victims++] = arg;
    else if (key == 'n')
        a->rows = atoi(arg);
    else if (key == 'c')
        a->chunk = atoi(arg);
    else if (key == 't')
        a->turns = atoi(arg);
    else if (key == 'w')
        a->way = arg;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* figures of each turn */
typedef struct turns {
    int n;
    double plain[MOST_TURNS];                /* tokens a second, first model */
    double share[ATTACK_MODELS][MOST_TURNS]; /* %, of the first 1 .. models */
    double judged[MOST_TURNS], both[MOST_TURNS];
} turns;

/* every model on the same rows, each with the plain passes right behind it */
static err one_turn(attack_bench *b, int first, int n, turns *t) {
    double attacked = 0.0, wanted = 0.0, judge = 1.0;
    const int k = t->n++;
    for (int m = 0; m < b->n; m++) {
        attack_work w;
        double rate;
        CALL(attack_bench_attack(b, m, first, n, &w));
        CALL(attack_bench_plain(b, m, first, n, &rate));
        attacked += w.seconds;
        wanted += (double)w.tokens / rate;
        t->share[m][k] = 100.0 * wanted / attacked;
        if (m > 0)
            continue;
        if (b->judge)
            CALL(attack_bench_plain(b, -1, first, n, &judge));
        t->plain[k] = rate;
        t->judged[k] = (double)w.judged / (double)w.tokens;
        t->both[k] = t->share[0][k] + 100.0 * (double)w.judged / judge / w.seconds;
    }
    return OK;
}

static void print_turns(const attack_bench *b, const attack_way *by, turns *t) {
    printf("%-6s %-14s %9.0f", b->name, by->name, share_median(t->plain, t->n));
    for (int m = 0; m < ATTACK_MODELS; m++)
        if (m < 2 || m == 3 || m == 5) {
            if (m < b->n)
                printf(" %5.0f %%", share_median(t->share[m], t->n));
            else
                printf("       -");
        }
    printf(" %5.0f %% %10.2f %6.0f %% %5d\n", TARGET, share_median(t->judged, t->n),
           share_median(t->both, t->n), t->n);
    fflush(stdout); /* a run takes minutes */
}

static err measure(attack_bench *b, const attack_way *by, int chunk) {
    turns t = {0};
    err e;
    TRY(attack_bench_begin(b, by));
    for (int m = 0; m < b->n; m++) { /* warms up; its rows do not count */
        attack_work none;
        TRY(attack_bench_attack(b, m, 0, chunk, &none));
    }
    for (int i = chunk; i + chunk <= b->rows.n && t.n < MOST_TURNS; i += chunk)
        TRY(one_turn(b, i, chunk, &t));
    ENSURE(t.n > 0, ERR_USAGE, "at least %d rows are needed", 2 * chunk);
    print_turns(b, by, &t);
done:
    attack_bench_end(b);
    return e;
}

/* of all rows by rank 0 alone, or by all ranks */
typedef struct scaled {
    double wall;    /* seconds */
    double busy;    /* seconds of CPU time of the busiest rank */
    int64_t judged; /* tokens of all similarity encoders */
} scaled;

static err attack_table(const par *p, attack_bench *b, int n) {
    for (int m = 0; m < n; m++) {
        attack_counts counts;
        attack_bench_forget(b);
        CALL(attack_all(p, b->a, b->victim[m], &b->rows, NULL, "attack", "bench", b->r, &counts));
    }
    return OK;
}

static err scale_turn(const par *p, attack_bench *b, const attack_way *by, int n, int all,
                      scaled *out) {
    int64_t most;
    err e;
    TRY(par_agree(p, attack_bench_begin(b, by)));
    TRY(par_barrier(p));
    const double begun = clock_now(), cpu = peak_now();
    if (all) {
        TRY(attack_table(p, b, n));
    } else {
        par *own = NULL;
        e = p->rank == 0 ? par_self(&own) : OK;
        e = e == OK && own ? attack_table(own, b, n) : e;
        par_close(&own);
        TRY(par_agree(p, e));
    }
    most = (int64_t)(1e9 * (peak_now() - cpu));
    TRY(par_barrier(p));
    out->wall = clock_now() - begun;
    TRY(par_max_i64(p, &most, 1));
    out->busy = 1e-9 * (double)most;
    out->judged = b->judge ? similarity_work(b->a->alike).tokens : 0;
    TRY(par_sum_i64(p, &out->judged, 1));
done:
    attack_bench_end(b);
    return e;
}

/* one rank and all ranks in turns, over the first n models */
static err scale(const par *p, attack_bench *b, const attack_way *by, int n, int most) {
    double wall[MOST_TURNS], busy[MOST_TURNS], judged = 1.0;
    CHECK(most > 0 && most <= MOST_TURNS, ERR_USAGE, "--turns: 1 to %d", (int)MOST_TURNS);
    for (int t = 0; t < most; t++) {
        scaled x[2];
        for (int k = 0; k < 2; k++) { /* which comes first goes round */
            const int all = (t + k) % 2;
            CALL(scale_turn(p, b, by, n, all, &x[all]));
        }
        wall[t] = x[0].wall / x[1].wall;
        busy[t] = x[0].busy / x[1].busy;
        if (x[0].judged > 0)
            judged = (double)x[1].judged / (double)x[0].judged;
    }
    const double in_wall = share_median(wall, most);
    const double in_cpu = share_median(busy, most); /* sorts */
    if (p->rank == 0)
        printf("%-6s %-14s %6d %10.2f [%.2f, %.2f] %10.2f [%.2f, %.2f] %8.2f %12.2f\n", b->name,
               by->name, n, in_wall, wall[0], wall[most - 1], in_cpu, busy[0], busy[most - 1],
               0.95 * p->size, judged);
    fflush(stdout);
    return OK;
}

static int chosen(const arguments *a, const attack_way *by) {
    return !a->way || strcmp(a->way, by->name) == 0;
}

static err bench_size(const par *p, const size *z, const arguments *a) {
    const int large = z->L * z->H > 4 * 256;
    const int n = a->victims > 0 ? a->victims : a->models > 0 ? a->models : large ? 2 : 6;
    const int rows = a->rows > 0 ? a->rows : large ? 40 : 100;
    const int chunk = a->chunk > 0 ? a->chunk : 10;
    attack_bench b = {0};
    err e = OK;
    CHECK(n <= ATTACK_MODELS, ERR_USAGE, "--models: at most %d", (int)ATTACK_MODELS);
    TRY(par_agree(p, attack_bench_open(z, a->victims > 0 ? a->victim : NULL, n, rows, &b)));
    for (int k = 0; k < attack_ways(); k++) {
        const attack_way *by = &ATTACK_WAY[k];
        if (p->size == 1 && chosen(a, by))
            TRY(measure(&b, by, chunk));
        if (p->size > 1 && (a->way ? chosen(a, by) : k == 0 || k == 3 /* the default */))
            TRY(scale(p, &b, by, k == 0 ? 1 : n, a->turns));
    }
done:
    attack_bench_close(&b);
    return e;
}

static err check_way(const arguments *a) {
    for (int k = 0; k < attack_ways(); k++)
        if (chosen(a, &ATTACK_WAY[k]))
            return OK;
    RAISE(ERR_USAGE, "--way: \"%s\" is no way of similarity here", a->way);
}

static err bench_all(const par *p, const arguments *a) {
    static const char *const sizes[] = {"mini", "base"};
    CALL(check_way(a));
    if (p->rank == 0 && p->size == 1)
        printf("victim similarity         plain     1, 2, 4, 6 models: share  wanted "
               "its tokens     both turns\n");
    else if (p->rank == 0)
        printf("%d ranks against one, %d turns, median [range]\n"
               "victim similarity     models       wall time      busiest rank's CPU   wanted   "
               "its tokens\n",
               p->size, a->turns);
    if (a->size || a->victims > 0)
        return bench_size(p, size_find(a->size ? a->size : "mini"), a);
    for (int i = 0; i < 2; i++)
        CALL(bench_size(p, size_find(sizes[i]), a));
    return OK;
}

int main(int argc, char **argv) {
    const struct argp argp = {OPTIONS, parse, NULL, "Speed of attacks.", NULL, NULL, NULL};
    arguments a = {.turns = SCALE_TURNS};
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
