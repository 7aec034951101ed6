#include "text/wordpiece.h"

#include "base/arena.h"
#include "io/lines.h"
#include "text/basic_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct slot {
    uint32_t hash;
    int32_t id; /* + 1; 0: empty */
} slot;

/* open addressing over the pieces; continuation pieces are stored without their "##" */
struct wordpiece_table {
    lines file;
    uint32_t cap;    /* a power of two, at least twice the pieces */
    slot *slots;     /* (cap) */
    uint16_t *len;   /* (V) bytes of the piece without "##" */
    uint8_t *inside; /* (V) 1: continuation */
    int longest;     /* bytes of the longest piece, at most BASIC_BYTES */
};

/* FNV-1a, grown byte by byte so that all prefixes of a word cost one pass */
static uint32_t hash_start(int inside) {
    return inside ? 2166136261u ^ 0x9e3779b9u : 2166136261u;
}

static uint32_t hash_byte(uint32_t h, char c) {
    return (h ^ (unsigned char)c) * 16777619u;
}

/* FNV's low bits are its worst: the place in the table comes from a second multiplication's top */
static uint32_t place(const struct wordpiece_table *t, uint32_t h) {
    return (h * 0x9e3779b1u >> 8) & (t->cap - 1);
}

static const char *piece_text(const struct wordpiece_table *t, int32_t id) {
    return t->file.line[id] + 2 * t->inside[id];
}

static int32_t look_up(const struct wordpiece_table *t, uint32_t h, const char *s, size_t n,
                       int inside) {
    for (uint32_t i = place(t, h); t->slots[i].id; i = (i + 1) & (t->cap - 1)) {
        int32_t id = t->slots[i].id - 1;
        if (t->slots[i].hash == h && t->inside[id] == inside && t->len[id] == n &&
            memcmp(piece_text(t, id), s, n) == 0)
            return id;
    }
    return -1;
}

static err insert(wordpiece *w, int32_t id) {
    struct wordpiece_table *t = w->table;
    const char *line = t->file.line[id];
    size_t n = strlen(line);
    CHECK(n > 0, ERR_DATA, "%s:%d: the piece is empty", w->path, id + 1);
    CHECK(n <= BASIC_BYTES, ERR_DATA, "%s:%d: the piece has %zu bytes; no word has more than %d",
          w->path, id + 1, n, (int)BASIC_BYTES);
    int inside = n > 2 && line[0] == '#' && line[1] == '#';
    const char *s = line + 2 * inside;
    n -= (size_t)(2 * inside);
    t->inside[id] = (uint8_t)inside;
    t->len[id] = (uint16_t)n;
    if ((int)n > t->longest)
        t->longest = (int)n;
    uint32_t h = hash_start(inside);
    for (size_t k = 0; k < n; k++)
        h = hash_byte(h, s[k]);
    CHECK(look_up(t, h, s, n, inside) < 0, ERR_DATA, "%s:%d: piece \"%.60s\" stands twice", w->path,
          id + 1, line);
    uint32_t i = place(t, h);
    while (t->slots[i].id)
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = (slot){h, id + 1};
    return OK;
}

static err find_specials(wordpiece *w) {
    const struct {
        const char *piece;
        int32_t *id;
        int needed;
    } specials[] = {{"[PAD]", &w->pad, 1},
                    {"[UNK]", &w->unk, 1},
                    {"[CLS]", &w->cls, 1},
                    {"[SEP]", &w->sep, 1},
                    {"[MASK]", &w->mask, 0}};
    for (size_t k = 0; k < sizeof specials / sizeof *specials; k++) {
        const char *piece = specials[k].piece;
        uint32_t h = hash_start(0);
        for (const char *c = piece; *c; c++)
            h = hash_byte(h, *c);
        *specials[k].id = look_up(w->table, h, piece, strlen(piece), 0);
        CHECK(*specials[k].id >= 0 || !specials[k].needed, ERR_DATA,
              "%s: the vocabulary has no %s: is it a WordPiece vocabulary, one piece a line?",
              w->path, piece);
    }
    return OK;
}

err wordpiece_open(const char *path, wordpiece **out) {
    wordpiece *w = NULL;
    struct wordpiece_table *t;
    err e;
    TRY(mem_alloc(1, sizeof *w, &w));
    TRY(mem_alloc(1, sizeof *w->table, &w->table));
    t = w->table;
    snprintf(w->path, sizeof w->path, "%s", path);
    TRY(lines_read(path, &t->file));
    w->V = t->file.n;
    t->cap = 1024;
    while (t->cap < 2u * (uint32_t)w->V)
        t->cap *= 2;
    TRY(mem_alloc(t->cap, sizeof *t->slots, &t->slots));
    TRY(mem_alloc((size_t)w->V, sizeof *t->len, &t->len));
    TRY(mem_alloc((size_t)w->V, sizeof *t->inside, &t->inside));
    for (int32_t id = 0; id < w->V; id++)
        TRY(insert(w, id));
    TRY(find_specials(w));
    *out = w;
    w = NULL;
done:
    wordpiece_close(&w);
    return e;
}

void wordpiece_close(wordpiece **w) {
    if (!*w)
        return;
    if ((*w)->table) {
        lines_free(&(*w)->table->file);
        free((*w)->table->slots);
        free((*w)->table->len);
        free((*w)->table->inside);
        free((*w)->table);
    }
    free(*w);
    *w = NULL;
}

const char *wordpiece_piece(const wordpiece *w, int32_t id) {
    return id >= 0 && id < w->V ? w->table->file.line[id] : "";
}

/* The longest piece that s (n bytes) begins with: its id, -1 where there is none; its bytes. */
static int32_t longest_piece(const struct wordpiece_table *t, const char *s, size_t n, int inside,
                             size_t *bytes) {
    uint32_t hash[BASIC_BYTES + 1]; /* of each prefix */
    size_t most = n < (size_t)t->longest ? n : (size_t)t->longest;
    hash[0] = hash_start(inside);
    for (size_t k = 0; k < most; k++)
        hash[k + 1] = hash_byte(hash[k], s[k]);
    for (size_t k = most; k > 0; k--) {
        if (k < n && ((unsigned char)s[k] & 0xC0) == 0x80)
            continue; /* not between two characters */
        int32_t id = look_up(t, hash[k], s, k, inside);
        if (id >= 0) {
            *bytes = k;
            return id;
        }
    }
    return -1;
}

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

/* greedy longest match first; the whole word is [UNK] if any part has no piece */
static void put_word(sink *s, const wordpiece *w, const basic_tokenizer *x) {
    int begin = s->count;
    size_t at = 0, bytes = 0;
    while (x->points <= BASIC_MAX && at < x->len) {
        int32_t id = longest_piece(w->table, x->word + at, x->len - at, at > 0, &bytes);
        if (id < 0)
            break;
        put(s, id);
        at += bytes;
    }
    if (x->points > BASIC_MAX || at < x->len) {
        s->count = begin;
        put(s, w->unk);
    }
}

void wordpiece_encode(const wordpiece *w, const char *text, size_t n, int32_t *ids, int cap,
                      int *count) {
    sink s = {ids, cap, 0};
    basic_tokenizer x;
    basic_tokenizer_open(&x, text, n);
    while (basic_tokenizer_next(&x))
        put_word(&s, w, &x);
    *count = s.count;
}
