#include "attack/attack.h"

#include "attack/stopwords.h"
#include "attack/textfooler.h"
#include "base/log.h"
#include "work/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static err open_source(attack *a, const attack_setup *s) {
    const char *source = a->o.similarity_source;
    if (a->o.similarity_checkpoint[0])
        return similarity_open_checkpoint(a->o.similarity_checkpoint, &a->alike);
    if (strcmp(source, "encoder") == 0) {
        CHECK(s->similarity, ERR_USAGE,
              "attack.similarity_source is encoder, but the study has no start encoder");
        return similarity_open_encoder(s->similarity, s->w, s->max_length, &a->alike);
    }
    CHECK(a->o.vectors[0], ERR_USAGE,
          "attack.similarity_source is vectors: name the file in attack.vectors");
    if (a->o.neighbours[0]) {
        CALL(neighbours_open_vectors(a->o.vectors, a->o.min_cosine, (int)a->o.max_candidates,
                                     &a->vectors));
        return similarity_open_vectors(a->vectors, &a->alike);
    }
    return similarity_open_vectors(a->near, &a->alike);
}

static err open_similarity(attack *a, const attack_setup *s) {
    if (strcmp(a->o.similarity_source, "none") == 0)
        return OK;
    CALL(open_source(a, s));
    return similarity_use(a->alike, a->o.similarity_measure);
}

err attack_open(const attack_setup *s, attack **out) {
    attack *a = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *a, &a));
    a->o = *s->o;
    TRY(arena_create(1 << 16, &a->scratch));
    TRY(stopwords_open(a->o.stopwords, &a->stop));
    TRY(tagger_open(a->o.tagger, a->o.tagger_path, &a->tagger));
    if (a->o.neighbours[0])
        TRY(neighbours_open_json(a->o.neighbours, &a->near));
    else
        TRY(neighbours_open_vectors(a->o.vectors, a->o.min_cosine, (int)a->o.max_candidates,
                                    &a->near));
    TRY(open_similarity(a, s));
    TRY(texts_create(s->w, s->max_length, &a->texts));
    *out = a;
    a = NULL;
done:
    attack_close(&a);
    return e;
}

void attack_close(attack **a) {
    if (!*a)
        return;
    similarity_close(&(*a)->alike);
    neighbours_close(&(*a)->near);
    neighbours_close(&(*a)->vectors);
    tagger_close(&(*a)->tagger);
    dictionary_destroy(&(*a)->stop);
    texts_destroy(&(*a)->texts);
    arena_destroy(&(*a)->scratch);
    free(*a);
    *a = NULL;
}

err attack_one(attack *a, encoder_ws *ws, const encoder *victim, const char *text, int label,
               attack_result *out) {
    *out = (attack_result){.label = label, .similarity = NAN, .rank_gap = 1.0, .margin = 1.0};
    arena_mark mark = arena_here(a->scratch);
    err e = textfooler(a, ws, victim, text, label, out);
    arena_release(a->scratch, mark);
    if (e != OK)
        attack_result_free(out);
    return e;
}

typedef struct campaign {
    attack *a;
    encoder_ws *ws;
    const encoder *victim;
    const dataset *d;
} campaign;

/* an example that raises an error is recorded as errored, with its message as its text */
static err attack_unit(void *state, int64_t unit, strbuf *record) {
    campaign *c = state;
    attack_result r;
    const char *text = dataset_text(c->d, (int)unit);
    err e = attack_one(c->a, c->ws, c->victim, text, c->d->label[unit], &r);
    if (e != OK) {
        double prob = r.outcome == ATTACK_FAILED ? r.prob : 0.0; /* 0: not shown to be right */
        r = (attack_result){
            .outcome = ATTACK_ERRORED, .label = c->d->label[unit], .prob = prob, .similarity = NAN};
        r.final_text = strdup(err_message());
    }
    if (!c->a->o.trace)
        r.n_query = 0;
    e = attack_result_write(&r, record);
    attack_result_free(&r);
    return e;
}

typedef struct by_length {
    int64_t length, row;
} by_length;

static int longest_first(const void *a, const void *b) {
    const by_length *x = a, *y = b;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

err attack_order(const dataset *d, int64_t *order) {
    by_length *list = NULL;
    CALL(mem_alloc((size_t)d->n + 1, sizeof *list, &list));
    for (int i = 0; i < d->n; i++)
        list[i] = (by_length){d->offset[i + 1] - d->offset[i], i};
    qsort(list, (size_t)d->n, sizeof *list, longest_first);
    for (int i = 0; i < d->n; i++)
        order[i] = list[i].row;
    free(list);
    return OK;
}

err attack_all(const par *p, attack *a, const encoder *victim, const dataset *d,
               const char *journal_dir, const char *stage, const char *model,
               attack_result *results, attack_counts *counts) {
    campaign c = {.a = a, .victim = victim, .d = d};
    int64_t *order = NULL;
    char **records = NULL;
    err e = encoder_ws_create(&victim->c, &c.ws);
    if (e == OK)
        e = mem_alloc((size_t)d->n + 1, sizeof *order, &order);
    if (e == OK)
        e = attack_order(d, order);
    TRY(par_agree(p, e));
    units u = {.p = p,
               .dir = journal_dir,
               .stage = stage,
               .key = model,
               .title = model,
               .noun = "examples",
               .n = d->n,
               .order = order};
    TRY(units_run(&u, attack_unit, &c, &records));
    *counts = (attack_counts){0};
    for (int i = 0; e == OK && i < d->n; i++) {
        e = attack_result_read(records[i], &results[i]);
        if (e == OK)
            attack_result_count(&results[i], counts);
    }
    TRY(par_agree(p, e));
    for (int i = 0; i < d->n; i++)
        if (results[i].outcome == ATTACK_ERRORED) {
            log_warning("%s: %lld of %d examples could not be attacked; the first, row %d: %s",
                        model, (long long)counts->errored, d->n, i, results[i].final_text);
            break;
        }
done:
    units_free(&records, d->n);
    free(order);
    encoder_ws_destroy(&c.ws);
    return e;
}

/* where a file lies does not belong into results, only what it is called */
static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static err describe_similarity(const attack_options *o, strbuf *out) {
    const char *source =
        o->similarity_checkpoint[0] ? file_name(o->similarity_checkpoint) : o->similarity_source;
    int angular = strcmp(o->similarity_measure, "angular") == 0;
    CALL(strbuf_printf(out, "similarity %s%s%s >= %.6f", source, angular ? "" : " ",
                       angular ? "" : o->similarity_measure, o->similarity));
    if (o->similarity_window == 0)
        return strbuf_printf(out, " of whole texts");
    return strbuf_printf(out, " in windows of %lld words", (long long)o->similarity_window);
}

err attack_describe(const attack *a, strbuf *out) {
    const attack_options *o = &a->o;
    CALL(strbuf_printf(out, "%s: at most %lld neighbours from %s", o->recipe,
                       (long long)o->max_candidates,
                       file_name(o->neighbours[0] ? o->neighbours : o->vectors)));
    if (!o->neighbours[0])
        CALL(strbuf_printf(out, " with cosine >= %g", o->min_cosine));
    CALL(strbuf_printf(out, ", part of speech %s%s, ", o->tagger,
                       o->noun_verb_swap ? " (noun for verb allowed)" : ""));
    if (a->alike)
        CALL(describe_similarity(o, out));
    else
        CALL(strbuf_printf(out, "no similarity constraint"));
    CALL(strbuf_printf(out, ", stop words %s",
                       o->stopwords[0] ? file_name(o->stopwords) : "built-in"));
    if (o->query_budget > 0)
        return strbuf_printf(out, ", at most %lld queries", (long long)o->query_budget);
    return strbuf_printf(out, ", no query budget");
}
