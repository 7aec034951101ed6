#include "context.h"
#include "job.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "io/atomic_file.h"
#include "work/units.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* calibration sentences: a seeded part of the training texts, cut to their own length */
static err calibration(context *c, examples *out) {
    const prune_options *o = &c->s->prune;
    int n = o->calibration < c->train.n ? (int)o->calibration : c->train.n;
    int32_t *index = NULL;
    dataset part = {0};
    err e;
    TRY(mem_alloc((size_t)n, sizeof *index, &index));
    TRY(dataset_sample(&c->train, (uint64_t)c->s->study.seed, RNG_CALIBRATION, n, index));
    TRY(dataset_select(&c->train, index, n, &part));
    TRY(examples_make(&part, c->w, (int)o->calibration_length, out));
done:
    free(index);
    dataset_free(&part);
    return e;
}

static err rows_to_json(void *state, int64_t unit, strbuf *record) {
    const pruned_model *m = state;
    (void)unit;
    CALL(strbuf_printf(record, "["));
    for (int i = 0; i < m->n; i++) {
        const prune_layer *r = &m->layers[i];
        /* JSON has no NaN: what was not measured is written as -1 */
        CALL(strbuf_printf(record,
                           "%s[%d, \"%s\", %d, %d, %lld, %.17g, %d, %.17g, %.17g, %.17g, \"%s\"]",
                           i ? ", " : "", r->layer, r->linear, r->out, r->in, (long long)r->removed,
                           r->damping, r->retries, isnan(r->condition) ? -1.0 : r->condition,
                           isnan(r->residual) ? -1.0 : r->residual,
                           isnan(r->error) ? -1.0 : r->error, r->factorisation));
    }
    return strbuf_printf(record, "]");
}

static err rows_from_json(const char *record, pruned_model *m) {
    json_t *j = json_loads(record, 0, NULL);
    CHECK(j && (int)json_array_size(j) <= m->n, ERR_DATA, "journal of prune: not a list of layers");
    m->n = (int)json_array_size(j);
    int ok = 1;
    for (int i = 0; i < m->n; i++) {
        prune_layer *r = &m->layers[i];
        const char *linear = "", *factorisation = "";
        json_int_t removed = 0;
        ok &= json_unpack(json_array_get(j, (size_t)i), "[i, s, i, i, I, F, i, F, F, F, s]",
                          &r->layer, &linear, &r->out, &r->in, &removed, &r->damping, &r->retries,
                          &r->condition, &r->residual, &r->error, &factorisation) == 0;
        r->removed = removed;
        snprintf(r->linear, sizeof r->linear, "%s", linear);
        snprintf(r->factorisation, sizeof r->factorisation, "%s", factorisation);
        if (r->condition < 0)
            r->condition = NAN;
        if (r->residual < 0)
            r->residual = NAN;
        if (r->error < 0)
            r->error = NAN;
    }
    json_decref(j);
    CHECK(ok, ERR_DATA, "journal of prune: a row is not what it should be");
    return OK;
}

/* one pruned model: from the journal if it is there, else computed, journalled, published */
static err prune_one(context *c, const encoder *dense, const examples *x, pruned_model *m) {
    units u = {
        .p = c->p, .dir = c->journal, .stage = "prune", .key = m->name, .noun = "models", .n = 1};
    char **records = NULL;
    char checkpoint[PATH_BYTES], file[128];
    encoder *sparse = NULL;
    int has = 0;
    err e;
    snprintf(file, sizeof file, "%s.checkpoint", m->name);
    TRY(path_join(checkpoint, c->dir, file));
    TRY(context_has_model(c, m->name, &has));
    if (!has) {
        prune_job job = {.p = c->p,
                         .dense = dense,
                         .calibration = x,
                         .method = m->method,
                         .sparsity = m->sparsity,
                         .o = &c->s->prune,
                         .checkpoint = checkpoint,
                         .title = m->name};
        TRY(prune_model(&job, m->layers, &m->n, &sparse));
    }
    TRY(has ? units_read(&u, &records) : units_run(&u, rows_to_json, m, &records));
    ENSURE(records[0], ERR_DATA, "%s: model %s is there, its journal is not", c->dir, m->name);
    TRY(rows_from_json(records[0], m));
    if (!has)
        TRY(context_save_model(c, m->name, sparse, "prune", "greedy"));
    TRY(context_drop(c, checkpoint));
done:
    units_free(&records, 1);
    encoder_destroy(&sparse);
    return e;
}

static err prune(context *c) {
    const prune_options *o = &c->s->prune;
    examples x = {0};
    encoder *dense = NULL;
    err e;
    TRY(par_agree(c->p, context_load_model(c, "greedy", &dense)));
    dense->c.p =
        FLOAT32; /* what is pruned is measured exactly; the result is computed as all are */
    TRY(par_agree(c->p, calibration(c, &x)));
    TRY(mem_alloc((size_t)(o->methods.n * o->sparsity.n) + 1, sizeof *c->pruned, &c->pruned));
    for (int i = 0; i < o->methods.n; i++)
        for (int k = 0; k < o->sparsity.n; k++) {
            pruned_model *m = &c->pruned[c->n_pruned++];
            m->sparsity = o->sparsity.v[k];
            m->n = 6 * dense->c.L + 2;
            snprintf(m->method, sizeof m->method, "%s", o->methods.v[i]);
            snprintf(m->name, sizeof m->name, "greedy-%s-%g", m->method, 100.0 * m->sparsity);
            TRY(mem_alloc((size_t)m->n, sizeof *m->layers, &m->layers));
            TRY(prune_one(c, dense, &x, m));
            log_info("pruned %s", m->name);
        }
done:
    examples_free(&x);
    encoder_destroy(&dense);
    return e;
}

err stage_prune(context *c) {
    return context_stage(c, PRUNE, stage_soup, prune);
}

err job_prune(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Prune the greedy average layer by layer, without retraining.", stage_prune);
}
