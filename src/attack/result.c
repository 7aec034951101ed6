#include "attack/result.h"

#include "attack/trace.h"
#include "base/arena.h"
#include "io/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void attack_result_free(attack_result *r) {
    free(r->order);
    free(r->final_text);
    free(r->query);
    for (int i = 0; r->change && i < r->changed; i++) {
        free(r->change[i].from);
        free(r->change[i].to);
    }
    free(r->change);
    r->change = NULL;
    r->order = NULL;
    r->final_text = NULL;
    r->query = NULL;
    r->n_query = 0;
    r->cap_query = 0;
}

err attack_result_add(attack_result *r, const attack_query *q) {
    CALL(mem_grow((size_t)r->n_query + 1, sizeof *r->query, &r->query, &r->cap_query));
    r->query[r->n_query++] = *q;
    return OK;
}

err attack_result_change(attack_result *r, int word, const char *from, const char *to) {
    CALL(mem_resize((size_t)r->changed + 1, sizeof *r->change, &r->change));
    attack_change *new = &r->change[r->changed++];
    *new = (attack_change){word, strdup(from), strdup(to)};
    CHECK(new->from &&new->to, ERR_FAILED, "out of memory");
    return OK;
}

static const char *const OUTCOME[] = {"skipped", "success", "failed", "errored"};

const char *attack_outcome_name(attack_outcome o) {
    return OUTCOME[o];
}

/* NaN has no JSON: an absent similarity is null */
static json_t *real_or_null(double v) {
    return isnan(v) ? json_null() : json_real(v);
}

static json_t *order_json(const attack_result *r) {
    json_t *order = json_array();
    for (int i = 0; i < r->n_order; i++)
        json_array_append_new(order, json_integer(r->order[i]));
    return order;
}

static json_t *changes_json(const attack_result *r) {
    json_t *list = json_array();
    for (int i = 0; i < r->changed; i++)
        json_array_append_new(
            list, json_pack("[i, s, s]", r->change[i].word, r->change[i].from, r->change[i].to));
    return list;
}

err attack_result_write(const attack_result *r, strbuf *record) {
    strbuf trace = {0};
    char *text = NULL;
    err e;
    TRY(trace_write(r->query, r->n_query, &trace));
    json_t *j =
        json_pack("{s:s, s:i, s:i, s:i, s:o, s:I, s:f, s:f, s:o, s:f, s:f, s:o, s:s, s:s}",
                  "outcome", OUTCOME[r->outcome], "label", r->label, "words", r->words, "cut",
                  r->cut, "changed", changes_json(r), "queries", (json_int_t)r->queries, "prob",
                  r->prob, "final_prob", r->final_prob, "similarity", real_or_null(r->similarity),
                  "rank_gap", r->rank_gap, "margin", r->margin, "order", order_json(r), "final",
                  r->final_text ? r->final_text : "", "trace", trace.text ? trace.text : "");
    if (j)
        text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(j);
    ENSURE(text, ERR_FAILED, "an attack's result cannot be written as JSON");
    e = strbuf_add(record, text, strlen(text));
done:
    free(text);
    strbuf_free(&trace);
    return e;
}

static err read_order(const json_t *order, attack_result *r) {
    r->n_order = (int)json_array_size(order);
    CALL(mem_alloc((size_t)r->n_order + 1, sizeof *r->order, &r->order));
    for (int i = 0; i < r->n_order; i++)
        r->order[i] = (int)json_integer_value(json_array_get(order, (size_t)i));
    return OK;
}

static err read_changes(json_t *list, attack_result *r) {
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        int word;
        const char *from, *to;
        CHECK(json_unpack(item, "[i, s, s]", &word, &from, &to) == 0, ERR_DATA,
              "journal of attack: change %zu is not [word, from, to]", i);
        CALL(attack_result_change(r, word, from, to));
    }
    return OK;
}

err attack_result_read(const char *record, attack_result *r) {
    json_t *j = NULL, *order = NULL, *alike = NULL, *changes = NULL;
    const char *outcome = "", *final = "", *trace = "";
    json_int_t queries = 0;
    *r = (attack_result){0};
    CALL(json_parse(record, "journal of attack", &j));
    err e = OK;
    int bad =
        json_unpack(j, "{s:s, s:i, s:i, s:i, s:o, s:I, s:F, s:F, s:o, s:F, s:F, s:o, s:s, s:s}",
                    "outcome", &outcome, "label", &r->label, "words", &r->words, "cut", &r->cut,
                    "changed", &changes, "queries", &queries, "prob", &r->prob, "final_prob",
                    &r->final_prob, "similarity", &alike, "rank_gap", &r->rank_gap, "margin",
                    &r->margin, "order", &order, "final", &final, "trace", &trace);
    ENSURE(!bad, ERR_DATA, "journal of attack: a record is not what it should be");
    r->queries = queries;
    r->similarity = json_is_null(alike) ? NAN : json_number_value(alike);
    while (r->outcome < ATTACK_ERRORED && strcmp(OUTCOME[r->outcome], outcome) != 0)
        r->outcome++;
    TRY(read_changes(changes, r));
    TRY(read_order(order, r));
    TRY(trace_read(trace, r));
    r->final_text = strdup(final);
    ENSURE(r->final_text, ERR_FAILED, "out of memory");
done:
    json_decref(j);
    return e;
}

void attack_result_count(const attack_result *r, attack_counts *c) {
    c->n++;
    if (r->outcome == ATTACK_SKIPPED)
        return;
    c->correct += r->outcome != ATTACK_ERRORED || r->prob > 0.0;
    c->success += r->outcome == ATTACK_SUCCESS;
    c->failed += r->outcome == ATTACK_FAILED;
    c->errored += r->outcome == ATTACK_ERRORED;
    c->queries += r->queries;
    if (r->outcome == ATTACK_SUCCESS) {
        c->changed += r->changed;
        c->words += r->words;
        c->shares += (double)r->changed / (double)(r->words > 0 ? r->words : 1);
        c->tested += !isnan(r->similarity);
        c->similarity += isnan(r->similarity) ? 0.0 : r->similarity;
    }
}
