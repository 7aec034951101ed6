#include "oracle.h"

#include "attack/attack.h"
#include "attack/recipe.h"
#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* where a decision was closer than this, rounding may decide it otherwise */
static const double CLOSE = 1e-5, PROB_TOLERANCE = 2e-6;

typedef struct tally {
    int rows, equal, close, differ;
    double worst_prob;
} tally;

typedef struct bench {
    attack *a;
    encoder *victim;
    encoder_ws *ws;
    tally t;
} bench;

static int same_order(const json_t *order, const attack_result *r) {
    if ((int)json_array_size(order) != r->n_order)
        return 0;
    for (int i = 0; i < r->n_order; i++)
        if (json_integer_value(json_array_get(order, (size_t)i)) != r->order[i])
            return 0;
    return 1;
}

/* one recorded example against ours */
static err compare(bench *b, const json_t *want) {
    const char *text = json_string_value(json_object_get(want, "text"));
    const char *result = json_string_value(json_object_get(want, "result"));
    const char *final = json_string_value(json_object_get(want, "final"));
    CHECK(text && result, ERR_DATA, "a recorded line has no text or no result");
    attack_result r;
    CALL(attack_one(b->a, b->ws, b->victim, text,
                    (int)json_integer_value(json_object_get(want, "label")), &r));
    int skipped = r.outcome == ATTACK_SKIPPED;
    double prob = fabs(json_number_value(json_object_get(want, "prob")) - r.prob);
    /* a skipped line records no search */
    int same = strcmp(result, attack_outcome_name(r.outcome)) == 0 &&
               (skipped || (json_integer_value(json_object_get(want, "queries")) == r.queries &&
                            json_integer_value(json_object_get(want, "changed")) == r.changed &&
                            final && strcmp(final, r.final_text) == 0 &&
                            same_order(json_object_get(want, "order"), &r)));
    const json_t *gap = json_object_get(want, "rank_gap"),
                 *margin = json_object_get(want, "margin");
    int is_close = (json_is_number(gap) && json_number_value(gap) < CLOSE) ||
                   (json_is_number(margin) && json_number_value(margin) < CLOSE);
    b->t.rows++;
    b->t.equal += same;
    b->t.close += !same && is_close;
    b->t.differ += !same && !is_close;
    b->t.worst_prob = fmax(b->t.worst_prob, prob);
    if (!same)
        printf("row %lld%s: expected %s, %lld queries, \"%s\"; got %s, %lld queries, \"%s\"\n",
               (long long)json_integer_value(json_object_get(want, "row")),
               is_close ? " (close)" : "", result,
               (long long)json_integer_value(json_object_get(want, "queries")), final ? final : "",
               attack_outcome_name(r.outcome), (long long)r.queries, r.final_text);
    attack_result_free(&r);
    return OK;
}

static err open_bench(bench *b, const char *shared, const tokenizer *w) {
    attack_options o;
    char path[4096];
    CALL(recipe_options("textfooler", &o));
    CALL(path_join(path, shared, "data/synonyms/counterfitted_neighbors.json"));
    snprintf(o.neighbours, sizeof o.neighbours, "%.500s", path);
    CALL(path_join(path, shared, "data/pos/nltk-perceptron.json"));
    snprintf(o.tagger_path, sizeof o.tagger_path, "%.500s", path);
    CALL(path_join(path, shared, "oracle/textfooler-stopwords.txt"));
    snprintf(o.stopwords, sizeof o.stopwords, "%.500s", path);
    snprintf(o.tagger, sizeof o.tagger, "perceptron");
    snprintf(o.similarity_source, sizeof o.similarity_source, "none");
    attack_setup setup = {.o = &o, .w = w, .max_length = 512};
    CALL(attack_open(&setup, &b->a));
    CALL(path_join(path, shared, "models/sst2-tiny"));
    CALL(encoder_load(path, (encoder_want){.classes = -1, .mlm = 0}, &b->victim));
    return encoder_ws_create(&b->victim->c, &b->ws);
}

err oracle_attack(const par *p, const char *shared) {
    if (p->rank != 0)
        return OK;
    bench b = {0};
    tokenizer *w = NULL;
    lines in = {0};
    char path[4096];
    err e;
    TRY(path_join(path, shared, "data/vocab/bert-base-uncased.txt"));
    TRY(tokenizer_open(path, &w));
    TRY(open_bench(&b, shared, w));
    TRY(path_join(path, shared, "oracle/textfooler-sst2-tiny.jsonl"));
    TRY(lines_read(path, &in));
    for (int i = 0; i < in.n; i++) {
        json_t *want = NULL;
        TRY(json_parse(in.line[i], path, &want));
        e = compare(&b, want);
        json_decref(want);
        if (e != OK)
            goto done;
    }
    printf(
        "attack: %d recorded, %d equal, %d differ where a decision was closer than %g, %d differ; "
        "worst probability %.1e (tolerance %g)\n",
        b.t.rows, b.t.equal, b.t.close, CLOSE, b.t.differ, b.t.worst_prob, PROB_TOLERANCE);
    ENSURE(b.t.differ == 0 && b.t.worst_prob < PROB_TOLERANCE, ERR_FAILED,
           "%d recorded attacks differ from this build's", b.t.differ);
done:
    lines_free(&in);
    attack_close(&b.a);
    encoder_ws_destroy(&b.ws);
    encoder_destroy(&b.victim);
    tokenizer_close(&w);
    return e;
}
