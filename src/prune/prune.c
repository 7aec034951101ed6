#include "prune/prune.h"

#include "base/arena.h"
#include "base/monitor.h"
#include "par/preempt.h"
#include "prune/finished.h"
#include "prune/pruning.h"
#include "prune/shares.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1: OBS that looks at the dense model alone, every row losing the sparsity itself */
static int is_traced(const pruning *s) {
    return s->way.rows == ROWS_OBS && !s->way.prefix && !s->way.fitted && !s->j->pattern &&
           strcmp(s->j->o->allocation, "uniform") == 0;
}

/* all that can be refused before anything is computed */
static err begin(const prunings *all, const prune_job *j, pruning *s) {
    s->j = j;
    CHECK(j->p == all->p && j->dense == all->dense && j->o == all->o &&
              j->calibration == all->one[0].j->calibration,
          ERR_FAILED,
          "prunings that go together have ranks, dense model, sentences and options in "
          "common");
    CALL(way_of(j->method, j->o, &s->way));
    CHECK(j->sparsity >= 0.0 && j->sparsity < 1.0, ERR_USAGE, "prune: sparsity %g is not in [0, 1)",
          j->sparsity);
    CHECK(j->trace >= 0.0 && j->trace < 1.0, ERR_USAGE, "prune: a trace to %g, not in [0, 1)",
          j->trace);
    if (j->pattern) {
        CALL(pattern_parse(j->pattern, &s->pattern));
        for (linear_kind k = 0; k < LINEAR_COUNT; k++)
            CALL(pattern_check(s->pattern, encoder_linear(j->dense, 0, k).in));
    }
    if (is_traced(s))
        s->trace = j->trace > j->sparsity ? j->trace : j->sparsity;
    return OK;
}

/* the model that is to be pruned, as a checkpoint has it, and its shares */
static err start(const prunings *all, pruning *s) {
    const prune_job *j = s->j;
    size_t linears = (size_t)j->dense->c.L * LINEAR_COUNT;
    CALL(par_agree(j->p, encoder_copy(j->dense, &s->m)));
    CALL(par_agree(j->p, mem_alloc(linears, sizeof *s->share, &s->share)));
    if (j->checkpoint) {
        CALL(par_agree(j->p, finished_key(j, s->key)));
        CALL(finished_read(j, s->key, s->m, &s->finished, s->rows, &s->n));
    }
    return s->finished < j->dense->c.L ? shares_make(j, &s->way, all->how, s->share) : OK;
}

static err open_calibration(prunings *s) {
    const encoder **models = NULL;
    err e = mem_alloc((size_t)s->n + 1, sizeof *models, &models);
    CALL(par_agree(s->p, e));
    models[0] = s->dense;
    for (int k = 0; k < s->n; k++)
        models[k + 1] = s->one[k].m;
    e = calibration_open(s->p, models, s->n + 1, s->one[0].j->calibration, (int)s->o->chunk, &s->c);
    free(models);
    return e;
}

/* blocks that a checkpoint brought to all of them */
static int finished_by_all(const prunings *s) {
    int least = s->dense->c.L;
    for (int k = 0; k < s->n; k++)
        least = s->one[k].finished < least ? s->one[k].finished : least;
    return least;
}

/* what is done of the block before the calibration's, to the checkpoints */
static err keep_block(const prunings *s) {
    int blocks = calibration_block(s->c);
    for (int k = 0; k < s->n; k++) {
        const pruning *one = &s->one[k];
        if (one->j->checkpoint && one->finished < blocks)
            CALL(finished_write(one->j, one->key, one->m, blocks, one->rows, one->n));
    }
    return OK;
}

/* the four dependent stages of the current block, then on to the next */
static err prune_block(prunings *s) {
    for (block_stage at = STAGE_QKV; at < STAGE_DONE; at++) {
        CALL(pruning_stage(s));
        CALL(calibration_next(s->c));
    }
    return keep_block(s);
}

/* what is left after the blocks that checkpoints brought */
static err prune_rest(prunings *s) {
    int L = s->dense->c.L;
    const char *first = s->one[0].j->title ? s->one[0].j->title : "prune";
    char title[2 * PRUNE_NAME_BYTES];
    monitor mon;
    CALL(open_calibration(s));
    while (calibration_block(s->c) < finished_by_all(s))
        CALL(calibration_advance(s->c));
    snprintf(title, sizeof title, "%.63s", first);
    if (s->n > 1)
        snprintf(title, sizeof title, "%.63s and %d more", first, s->n - 1);
    monitor_begin(&mon, title, "blocks", L);
    while (calibration_block(s->c) < L) {
        CALL(prune_block(s));
        monitor_step(&mon, calibration_block(s->c), NAN);
        CALL(preempt_agree(s->p));
    }
    CALL(pruning_head(s));
    monitor_end(&mon);
    return OK;
}

static err prune_together(prunings *s, const prune_job *j) {
    for (int k = 0; k < s->n; k++)
        CALL(begin(s, &j[k], &s->one[k]));
    prune_factorisation(s->o, s->how);
    CALL(linalg_check(s->p, s->how));
    for (int k = 0; k < s->n; k++)
        CALL(start(s, &s->one[k]));
    return prune_rest(s);
}

err prune_models(const prune_job *j, int n, prune_layer *const *layers, int *rows, encoder **out) {
    prunings s = {.p = j->p, .dense = j->dense, .o = j->o, .n = n};
    memset(out, 0, (size_t)n * sizeof *out);
    CALL(par_agree(j->p, mem_alloc((size_t)n, sizeof *s.one, &s.one)));
    s.one[0].j = j;
    for (int k = 0; k < n; k++)
        s.one[k].rows = layers[k];
    err e = prune_together(&s, j);
    for (int k = 0; k < n; k++) {
        if (e == OK) {
            rows[k] = s.one[k].n;
            out[k] = s.one[k].m;
            s.one[k].m = NULL;
        }
        encoder_destroy(&s.one[k].m);
        free(s.one[k].share);
    }
    calibration_close(&s.c);
    free(s.one);
    return e;
}

err prune_model(const prune_job *j, prune_layer *layers, int *n, encoder **out) {
    return prune_models(j, 1, &layers, n, out);
}

void prune_factorisation(const prune_options *o, char how[64]) {
    int automatic = strcmp(o->grid, "auto") == 0;
    snprintf(how, 64, "%.20s%s%.40s", o->factorisation, automatic ? "" : " ",
             automatic ? "" : o->grid);
}

double prune_sparsity(const encoder *m, int64_t *zeros, int64_t *total) {
    *zeros = *total = 0;
    for (int l = 0; l < m->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            int64_t n = (int64_t)v.out * v.in;
            for (int64_t i = 0; i < n; i++)
                *zeros += v.w[i] == 0.0f;
            *total += n;
        }
    return *total > 0 ? (double)*zeros / (double)*total : 0.0;
}
