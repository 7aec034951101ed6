/* rows of the attacks: every example of every model, its queries, its changed words, the texts */
#include "rows.h"

#include "io/dictionary.h"
#include "io/hash.h"

#include <string.h>

#define TEXT(field, text) store_text(field, sizeof field, text)

/* text in pieces below its hash, once: seen are the texts that are there */
static err add_text(store_content *s, dictionary *seen, const char *text, int64_t *hash) {
    const size_t n = strlen(text), width = sizeof((store_passage *)0)->value;
    int32_t number;
    int fresh;
    const uint64_t key = hash_u64(text, n);
    memcpy(hash, &key, sizeof key);
    CALL(dictionary_add(seen, text, n, &number, &fresh));
    size_t at = 0;
    for (int64_t piece = 0; fresh && (at < n || piece == 0); piece++) {
        size_t end = n - at < width ? n : at + width - 1;
        /* back to the first byte of a character: 10xxxxxx continues one */
        while (end < n && end > at + 1 && ((unsigned char)text[end] & 0xC0) == 0x80)
            end--;
        store_passage *r;
        CALL(store_add_texts(s, &r));
        r->text = *hash;
        r->piece = piece;
        memcpy(r->value, text + at, end - at);
        at = end;
    }
    return OK;
}

/* 0: the original, 1: ranking, then one more for each word tried */
static int step_of(const attack_query *q, int i, int before) {
    if (q[i].purpose != QUERY_CANDIDATE)
        return (int)q[i].purpose;
    if (before < 2)
        return 2;
    const int next = q[i].word != q[i - 1].word && before < INT16_MAX;
    return before + next;
}

static err query_rows(store_content *s, const attack_result *a) {
    for (int i = 0, step = 0; i < a->n_query; i++) {
        const attack_query *q = &a->query[i];
        store_query *r;
        CALL(store_add_queries(s, &r));
        step = step_of(a->query, i, step);
        memcpy(&r->text, &q->text, sizeof r->text);
        r->prob = q->prob;
        r->similarity = q->similarity;
        r->word = q->word;
        r->step = (int16_t)step;
        r->predicted = (int8_t)q->predicted;
        r->taken = (int8_t)q->taken;
    }
    return OK;
}

static err change_rows(store_content *s, const attack_result *a, int32_t number) {
    for (int i = 0; i < a->changed; i++) {
        store_change *r;
        CALL(store_add_changes(s, &r));
        r->attack = number;
        r->word = a->change[i].word;
        TEXT(r->before, a->change[i].from);
        TEXT(r->after, a->change[i].to);
    }
    return OK;
}

static err attack_row(store_content *s, dictionary *seen, const table_model *t, const char *text,
                      int row) {
    const attack_result *a = &t->results[row];
    const int32_t number = (int32_t)s->n_attacks;
    store_attack *r;
    CALL(store_add_attacks(s, &r));
    TEXT(r->model, t->name);
    TEXT(r->outcome, attack_outcome_name(a->outcome));
    r->row = row;
    r->label = a->label;
    r->queries = a->queries;
    r->words = a->words;
    r->changed = a->changed;
    r->prob = a->prob;
    r->final_prob = a->final_prob;
    r->similarity = a->similarity;
    r->first_query = (int64_t)s->n_queries;
    r->recorded = a->n_query;
    r->first_change = (int64_t)s->n_changes;
    CALL(add_text(s, seen, text, &r->text));
    CALL(add_text(s, seen, a->final_text, &r->final));
    CALL(query_rows(s, a));
    return change_rows(s, a, number);
}

static err transfer_row(store_content *s, const context *c, int a, int b) {
    const transfer_counts *t = &c->transfer[b * c->n_table + a];
    store_transfer *r;
    CALL(store_add_transfer(s, &r));
    TEXT(r->made_on, c->table[a].name);
    TEXT(r->tried_on, c->table[b].name);
    r->made = t->made;
    r->right = t->right;
    r->fooled = t->fooled;
    return OK;
}

err rows_attacks(store_content *s, const context *c) {
    dictionary *seen = NULL;
    err e = dictionary_create(&seen);
    for (int i = 0; i < c->n_table && e == OK; i++)
        for (int row = 0; row < c->attacked.n && e == OK; row++)
            e = attack_row(s, seen, &c->table[i], dataset_text(&c->attacked, row), row);
    for (int a = 0; c->transfer && a < c->n_table; a++)
        for (int b = 0; b < c->n_table && e == OK; b++)
            e = transfer_row(s, c, a, b);
    dictionary_destroy(&seen);
    return e;
}
