#include "text/bpe.h"

#include "base/arena.h"
#include "text/bpe_table.h"
#include "text/bpe_words.h"
#include "text/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* words up to this many bytes are merged on the stack */
enum { SHORT = 128 };

/* where ids go: at most cap are stored, all are counted */
typedef struct sink {
    int32_t *ids;
    int cap, count;
} sink;

static void put(sink *s, int32_t id) {
    if (s->count < s->cap)
        s->ids[s->count] = id;
    s->count++;
}

/* --- merging -----------------------------------------------------------------------------------
 */

/* a pair that may be merged: the symbol at `at` and the one behind it */
typedef struct pair {
    int32_t rank, at;
} pair;

enum { GONE = -2 }; /* a symbol that was merged into the one before it */

/* One word on its way: symbols as a list over the places of its bytes, pairs as a heap with the
 * lowest (rank, place) on top. Pairs whose symbols have changed since are passed over. */
typedef struct merger {
    const struct bpe_table *t;
    int32_t *symbol, *next, *before; /* (n) next: n at the end */
    pair *heap;                      /* (3n): every merge removes a symbol and adds two pairs */
    int32_t n, pairs;
} merger;

static int is_less(pair a, pair b) {
    return a.rank < b.rank || (a.rank == b.rank && a.at < b.at);
}

static void heap_add(merger *m, pair p) {
    int32_t i = m->pairs++;
    for (; i > 0 && is_less(p, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = p;
}

static pair heap_take(merger *m) {
    pair top = m->heap[0], p = m->heap[--m->pairs];
    int32_t i = 0, child;
    while ((child = 2 * i + 1) < m->pairs) {
        child += child + 1 < m->pairs && is_less(m->heap[child + 1], m->heap[child]);
        if (!is_less(m->heap[child], p))
            break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = p;
    return top;
}

/* the pair that begins at `at`, where it is one to merge: put at the heap's far end, *late more */
static void note(merger *m, int32_t at, int32_t *late) {
    if (at < 0 || m->next[at] == m->n)
        return;
    int32_t rank = bpe_rank(m->t, m->symbol[at], m->symbol[m->next[at]]);
    if (rank >= 0)
        m->heap[3 * m->n - ++*late] = (pair){rank, at};
}

/* merge the pair at p.at, if it is still there */
static void merge(merger *m, pair p, int32_t *late) {
    const bpe_merge *rule = &m->t->merge[p.rank];
    int32_t second = m->next[p.at];
    if (m->symbol[p.at] != rule->left || second == m->n || m->symbol[second] != rule->right)
        return;
    m->symbol[p.at] = rule->made;
    m->symbol[second] = GONE;
    m->next[p.at] = m->next[second];
    if (m->next[second] < m->n)
        m->before[m->next[second]] = p.at;
    note(m, m->before[p.at], late);
    note(m, p.at, late);
}

/* All pairs of the lowest rank are merged before the pairs that this makes are looked at, as the
 * reference does: only then is the order of merging the same for any list of merges. */
static void merge_all(merger *m) {
    while (m->pairs > 0) {
        int32_t rank = m->heap[0].rank, late = 0;
        while (m->pairs > 0 && m->heap[0].rank == rank)
            merge(m, heap_take(m), &late);
        while (late > 0) {
            pair p = m->heap[3 * m->n - late--];
            heap_add(m, p);
        }
    }
}

static void merge_word(merger *m, sink *s, const char *word, int32_t unk) {
    m->pairs = 0;
    for (int32_t i = 0; i < m->n; i++) {
        m->symbol[i] = m->t->byte[(unsigned char)word[i]];
        m->next[i] = i + 1;
        m->before[i] = i - 1;
    }
    for (int32_t i = 0; i + 1 < m->n; i++) {
        int32_t rank = bpe_rank(m->t, m->symbol[i], m->symbol[i + 1]);
        if (rank >= 0)
            heap_add(m, (pair){rank, i});
    }
    merge_all(m);
    for (int32_t i = 0; i < m->n; i = m->next[i])
        put(s, m->symbol[i] >= 0 ? m->symbol[i] : unk);
}

static void put_short(const bpe *w, sink *s, const char *word, size_t n) {
    int32_t list[3 * SHORT];
    pair heap[3 * SHORT];
    merger m = {.t = w->table,
                .symbol = list,
                .next = list + SHORT,
                .before = list + 2 * SHORT,
                .heap = heap,
                .n = (int32_t)n};
    merge_word(&m, s, word, w->unk);
}

static err put_long(const bpe *w, sink *s, const char *word, size_t n) {
    CHECK(n < INT32_MAX / 4, ERR_FAILED, "a word of %zu bytes cannot be tokenised", n);
    int32_t *list = NULL;
    pair *heap = NULL;
    err e;
    TRY(mem_alloc(3 * n, sizeof *list, &list));
    TRY(mem_alloc(3 * n, sizeof *heap, &heap));
    merger m = {.t = w->table,
                .symbol = list,
                .next = list + n,
                .before = list + 2 * n,
                .heap = heap,
                .n = (int32_t)n};
    merge_word(&m, s, word, w->unk);
done:
    free(list);
    free(heap);
    return e;
}

/* --- words -------------------------------------------------------------------------------------
 */

static err put_word(const bpe *w, sink *s, const char *word, size_t n) {
    const struct bpe_table *t = w->table;
    if (n <= t->longest) {
        int32_t id = dictionary_find(t->pieces, word, n);
        if (id >= 0 && t->whole[id]) {
            put(s, id);
            return OK;
        }
    }
    if (n > SHORT)
        return put_long(w, s, word, n);
    put_short(w, s, word, n);
    return OK;
}

/* the word with U+FFFD in place of bytes that are not UTF-8 */
static err put_repaired(const bpe *w, sink *s, const char *word, size_t n) {
    char *copy;
    size_t len = 0;
    CALL(mem_alloc(n, 3, &copy));
    for (size_t i = 0; i < n;) {
        int32_t c;
        int bytes = unicode_decode(word + i, n - i, &c);
        len += (size_t)unicode_encode(c, copy + len);
        i += (size_t)bytes;
    }
    err e = put_word(w, s, copy, len);
    free(copy);
    return e;
}

err bpe_encode(const bpe *w, const char *text, size_t n, int32_t *ids, int cap, int *count) {
    sink s = {ids, cap, 0};
    bpe_words x;
    bpe_words_open(&x, text, n);
    while (bpe_words_next(&x))
        CALL((x.invalid ? put_repaired : put_word)(w, &s, x.word, x.len));
    *count = s.count;
    return OK;
}

/* which pieces are what merging their own bytes makes: words that are such a piece need no merging
 */
static err find_whole(bpe *w) {
    struct bpe_table *t = w->table;
    CALL(mem_alloc((size_t)w->V, sizeof *t->whole, &t->whole));
    for (int32_t id = 0; id < w->V; id++) {
        const char *bytes = dictionary_key(t->pieces, id);
        int32_t made;
        sink s = {&made, 1, 0};
        CALL(put_word(w, &s, bytes, t->len[id]));
        t->whole[id] = s.count == 1 && made == id;
    }
    return OK;
}

err bpe_open(const char *vocab, const char *merges, bpe **out) {
    bpe *w = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *w, &w));
    snprintf(w->path, sizeof w->path, "%s", vocab);
    TRY(bpe_table_read(w, merges));
    TRY(find_whole(w));
    *out = w;
    w = NULL;
done:
    bpe_close(&w);
    return e;
}

void bpe_close(bpe **w) {
    if (!*w)
        return;
    bpe_table_free(&(*w)->table);
    free(*w);
    *w = NULL;
}

const char *bpe_piece(const bpe *w, int32_t id) {
    return id >= 0 && id < w->V ? dictionary_key(w->table->names, id) : "";
}
