/* rows of one example's trace: its texts, its queries, its changed words */
#include "rows.h"

#include "io/hash.h"

#include <string.h>

#define TEXT(field, text) store_text(field, sizeof field, text)

/* text in pieces below its hash, once: seen are the texts that are there */
err rows_text(store_content *s, dictionary *seen, const char *text, int64_t *hash) {
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

err rows_queries(store_content *s, const attack_result *a) {
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

err rows_changes(store_content *s, const attack_result *a, int32_t number) {
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
