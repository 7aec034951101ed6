#include "attack/attack.h"

#include "attack/engine.h"
#include "attack/neighbour_index.h"
#include "attack/parts.h"
#include "attack/stopwords.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "work/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* candidates that are kept for the other models of a table: some 60,000 words of texts */
enum { KEPT_BYTES = 64 << 20 };

static err open_similarity_source(attack *a, const attack_setup *s) {
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
    if (a->near && !a->o.neighbours[0])
        return similarity_open_vectors(a->near, &a->alike);
    CALL(neighbours_open_vectors(a->o.vectors, a->how.min_cosine, a->how.max_candidates,
                                 &a->vectors));
    return similarity_open_vectors(a->vectors, &a->alike);
}

/* The start encoder was made to predict words, and its last layers tell texts apart less well than
 * its first (bench_similarity): a quarter of them, rounded up. A checkpoint's are all meant. */
static int layers_of(const attack *a) {
    int all;
    (void)similarity_depth(a->alike, &all);
    if (a->o.similarity_layers > 0)
        return (int)a->o.similarity_layers;
    return a->o.similarity_checkpoint[0] ? all : (all + 3) / 4;
}

static err open_similarity(attack *a, const attack_setup *s) {
    if (a->how.similarity == RECIPE_OWN)
        return OK;
    if (s->like && s->like->alike) {
        a->alike = s->like->alike;
        a->alike_lent = 1;
        return OK;
    }
    CALL(open_similarity_source(a, s));
    CALL(similarity_layers(a->alike, layers_of(a)));
    if (strcmp(a->o.similarity_precision, "auto") != 0)
        CALL(similarity_precision(
            a->alike, strcmp(a->o.similarity_precision, "bf16") == 0 ? BFLOAT16 : FLOAT32));
    return similarity_use(a->alike, a->how.measure);
}

static err open_neighbours(attack *a) {
    if (a->o.neighbours[0])
        return neighbours_open(a->o.neighbours, a->how.min_cosine, &a->near);
    CHECK(a->o.vectors[0], ERR_USAGE,
          "%s needs nearest words: name a file in attack.neighbours or attack.vectors",
          a->how.name);
    return neighbours_open_vectors(a->o.vectors, a->how.min_cosine, a->how.max_candidates,
                                   &a->near);
}

/* where candidates come from */
static err open_source(attack *a, const attack_setup *s) {
    if (recipe_wants_neighbours(&a->how))
        return open_neighbours(a);
    if (a->how.from == FROM_SYNONYMS)
        return wordnet_synonyms_open(a->o.wordnet, &a->wordnet);
    if (a->how.from != FROM_MASKED_LM)
        return OK;
    int own = a->o.masked_lm[0] != '\0';
    const char *dir = own ? a->o.masked_lm : s->start;
    CHECK(dir, ERR_USAGE, "%s needs a masked-language model: name a checkpoint in attack.masked_lm",
          a->how.name);
    return masked_lm_open(dir, own ? NULL : s->w, &a->masked);
}

err attack_open(const attack_setup *s, attack **out) {
    attack *a = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *a, &a));
    a->o = *s->o;
    a->w = s->w;
    a->max_length = s->max_length;
    a->seed = s->seed;
    TRY(recipe_settle(&a->o, &a->how));
    TRY(stopwords_open(a->o.stopwords, &a->stop));
    TRY(tagger_open(a->o.tagger, a->o.tagger_path, &a->tagger));
    TRY(open_source(a, s));
    TRY(open_similarity(a, s));
    TRY(candidate_store_create(KEPT_BYTES, &a->kept));
    TRY(engine_create(a, &a->engine));
    *out = a;
    a = NULL;
done:
    attack_close(&a);
    return e;
}

void attack_close(attack **aa) {
    attack *a = *aa;
    if (!a)
        return;
    engine_destroy(&a->engine);
    candidate_store_destroy(&a->kept);
    if (!a->alike_lent)
        similarity_close(&a->alike);
    neighbours_close(&a->near);
    neighbours_close(&a->vectors);
    wordnet_synonyms_close(&a->wordnet);
    masked_lm_close(&a->masked);
    tagger_close(&a->tagger);
    dictionary_destroy(&a->stop);
    free(a->thrown);
    free(a);
    *aa = NULL;
}

err attack_feed(attack *a, encoder_ws *ws, const encoder *victim, const feed *f) {
    if (a->alike) /* what it measured for another attack may be another angle */
        CALL(similarity_use(a->alike, a->how.measure));
    return engine_run(a->engine, ws, victim, f);
}

/* a feed of one example */
typedef struct single {
    const char *text;
    int label, given;
    err e;
    attack_result *out;
} single;

static err next_single(void *state, int64_t *unit, const char **text, int *label) {
    single *s = state;
    *unit = s->given ? -1 : 0;
    *text = s->text;
    *label = s->label;
    s->given = 1;
    return OK;
}

/* the result is the caller's now */
static err take_single(void *state, int64_t unit, err e, attack_result *r) {
    single *s = state;
    (void)unit;
    s->e = e;
    if (e == OK) {
        *s->out = *r;
        *r = (attack_result){0};
    }
    return OK;
}

err attack_one(attack *a, encoder_ws *ws, const encoder *victim, const char *text, int label,
               attack_result *out) {
    single s = {.text = text, .label = label, .out = out};
    feed f = {&s, next_single, take_single, NULL};
    *out = (attack_result){.label = label, .similarity = NAN, .rank_gap = 1.0, .margin = 1.0};
    CALL(attack_feed(a, ws, victim, &f));
    return s.e;
}

/* a feed of the units that this rank takes */
typedef struct campaign {
    const par *p;
    attack *a;
    encoder_ws *ws;
    const encoder *victim;
    const dataset *d;
    units_hand *hand;
    strbuf record;
} campaign;

static err next_unit(void *state, int64_t *unit, const char **text, int *label) {
    campaign *c = state;
    CALL(units_take(c->hand, unit));
    if (*unit >= 0) {
        *text = dataset_text(c->d, (int)*unit);
        *label = c->d->label[*unit];
    }
    return OK;
}

/* an example that raised an error is recorded as errored */
static err keep_unit(void *state, int64_t unit, err e, attack_result *r) {
    campaign *c = state;
    (void)e;
    if (!c->a->o.trace)
        r->n_query = 0;
    strbuf_clear(&c->record);
    CALL(attack_result_write(r, &c->record));
    return units_done(c->hand, unit, c->record.text);
}

/* half of this rank's share of what is left: the fewer there are, the fewer a rank keeps, so that
 * ranks end together */
static int64_t room_for_units(void *state) {
    const campaign *c = state;
    return 1 + units_left(c->hand) / (2 * c->p->size);
}

static err attack_share(void *state, units_hand *hand) {
    campaign *c = state;
    feed f = {c, next_unit, keep_unit, room_for_units};
    c->hand = hand;
    return attack_feed(c->a, c->ws, c->victim, &f);
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

/* what a reader of the table should know about its examples */
static void say_troubles(const attack *a, const char *model, int n, const attack_result *r) {
    int errored = 0, cut = 0, first = -1;
    for (int i = 0; i < n; i++) {
        cut += r[i].cut;
        errored += r[i].outcome == ATTACK_ERRORED;
        if (first < 0 && r[i].outcome == ATTACK_ERRORED)
            first = i;
    }
    if (errored > 0)
        log_warning("%s: %d of %d examples could not be attacked; the first, row %d: %s", model,
                    errored, n, first, r[first].final_text);
    if (cut > 0)
        log_info("%s: %d of %d texts have more than %d tokens: the model reads their beginning",
                 model, cut, n, a->max_length);
}

/* the victim's classes are the data's; where both have names, in the same order */
static err check_classes(const encoder *victim, const dataset *d, const char *model) {
    const int named = (int)(sizeof d->label_name / sizeof *d->label_name);
    CHECK(d->K == victim->c.K, ERR_DATA,
          "%s has %d classes, but the model %s tells %d apart: attack it with data of its own",
          d->name, d->K, model, victim->c.K);
    for (int k = 0; k < d->K && k < named; k++)
        for (int j = 0; j < d->K && j < named; j++)
            CHECK(j == k || !victim->c.label[k][0] ||
                      strcasecmp(victim->c.label[k], d->label_name[j]) != 0,
                  ERR_DATA,
                  "class %d of the model %s is %s, which is class %d of %s: bring its id2label "
                  "(config.json) into the order of the data",
                  k, model, victim->c.label[k], j, d->name);
    return OK;
}

err attack_all(const par *p, attack *a, const encoder *victim, const dataset *d,
               const char *journal_dir, const char *stage, const char *model,
               attack_result *results, attack_counts *counts) {
    campaign c = {.p = p, .a = a, .victim = victim, .d = d};
    int64_t *order = NULL;
    char **records = NULL;
    CALL(check_classes(victim, d, model));
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
    TRY(units_run_several(&u, attack_share, &c, &records));
    *counts = (attack_counts){0};
    for (int i = 0; e == OK && i < d->n; i++) {
        e = attack_result_read(records[i], &results[i]);
        if (e == OK)
            attack_result_count(&results[i], counts);
    }
    TRY(par_agree(p, e));
    say_troubles(a, model, d->n, results);
done:
    units_free(&records, d->n);
    strbuf_free(&c.record);
    free(order);
    encoder_ws_destroy(&c.ws);
    return e;
}

/* where a file lies does not belong into results, only what it is called */
static err describe_source(const attack *a, strbuf *out) {
    const attack_options *o = &a->o;
    const recipe *r = &a->how;
    static const char *const edits[] = {
        [FROM_BUGS] = "5 kinds of typing errors and at most", [FROM_EDITS] = "4 random edits"};
    if (r->from == FROM_SYNONYMS)
        return strbuf_printf(out, "synonyms of WordNet%s%s", o->wordnet[0] ? " in " : "",
                             path_name(o->wordnet));
    if (r->from == FROM_MASKED_LM)
        return strbuf_printf(out, "at most %d proposals of %s", r->max_candidates,
                             o->masked_lm[0] ? path_name(o->masked_lm) : "the start encoder");
    if (r->from == FROM_EDITS)
        return strbuf_printf(out, "%s", edits[r->from]);
    CALL(strbuf_printf(out, "%s %d neighbours from %s",
                       r->from == FROM_BUGS ? edits[r->from] : "at most", r->max_candidates,
                       path_name(o->neighbours[0] ? o->neighbours : o->vectors)));
    int cosines = !o->neighbours[0] || neighbour_index_is(o->neighbours);
    if (cosines && r->min_cosine != RECIPE_OWN)
        CALL(strbuf_printf(out, " with cosine >= %g", r->min_cosine));
    return OK;
}

static err describe_similarity(const attack *a, strbuf *out) {
    const attack_options *o = &a->o;
    const recipe *r = &a->how;
    const char *source =
        o->similarity_checkpoint[0] ? path_name(o->similarity_checkpoint) : o->similarity_source;
    int angular = strcmp(r->measure, "angular") == 0;
    if (!a->alike)
        return strbuf_printf(out, "no similarity constraint");
    int all, depth = similarity_depth(a->alike, &all);
    CALL(strbuf_printf(out, "similarity %s", source));
    if (depth < all)
        CALL(strbuf_printf(out, " (first %d of %d layers)", depth, all));
    CALL(strbuf_printf(out, "%s%s >= %.6f", angular ? "" : " ", angular ? "" : r->measure,
                       r->similarity));
    if (strcmp(o->similarity_precision, "auto") != 0)
        CALL(strbuf_printf(out, " in %s", o->similarity_precision));
    if (r->window == 0)
        CALL(strbuf_printf(out, " of whole texts"));
    else
        CALL(strbuf_printf(out, " in windows of %d words", r->window));
    if (r->window > 0 && r->similarity_short != RECIPE_OWN)
        CALL(strbuf_printf(out, " (%g in shorter texts)", r->similarity_short));
    return r->to_original ? strbuf_printf(out, " to the original") : OK;
}

err attack_describe(const attack *a, strbuf *out) {
    static const char *const ways[] = {"deletion", "[UNK]", "[UNK] and the rise of another class",
                                       "saliency times best drop", "gradient"};
    const attack_options *o = &a->o;
    const recipe *r = &a->how;
    CALL(strbuf_printf(out, "%s: ranked by %s, ", r->name, ways[r->ranking]));
    CALL(describe_source(a, out));
    if (r->pos != SPEECH_ANY)
        CALL(strbuf_printf(out, ", part of speech %s%s", o->tagger,
                           r->pos == SPEECH_NOUN_VERB ? " (noun for verb allowed)" : ""));
    CALL(strbuf_printf(out, ", "));
    CALL(describe_similarity(a, out));
    if (r->max_changed < 1.0)
        CALL(strbuf_printf(out, ", at most %g %% of the words changed", 100.0 * r->max_changed));
    if (r->max_changed < 1.0 && r->least_changed > 0)
        CALL(strbuf_printf(out, " (or %d)", r->least_changed));
    if (r->max_edits > 0)
        CALL(strbuf_printf(out, ", edit distance <= %d", r->max_edits));
    CALL(strbuf_printf(out, ", accepted below the %s probability, stop words %s",
                       r->accept == ACCEPT_ORIGINAL ? "original" : "current",
                       o->stopwords[0] ? path_name(o->stopwords) : "built-in"));
    if (o->query_budget > 0)
        return strbuf_printf(out, ", at most %lld queries", (long long)o->query_budget);
    return strbuf_printf(out, ", no query budget");
}
