#include "text/wordpiece.h"

#include "base/arena.h"
#include "io/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    MAX_WORD = 200,                /* code points; longer words are one [UNK] */
    WORD_BYTES = 4 * MAX_WORD + 4, /* of UTF-8 */
    SPACE = -1,                    /* what a code point is turned into: a break between words */
    DROP = -2,                     /* nothing */
};

/* open addressing over the pieces; continuation pieces are stored without their "##" */
struct wordpiece_table {
    lines file;
    uint32_t cap;      /* a power of two */
    int32_t *slot;     /* (cap) id + 1, 0: empty */
    uint32_t *hash;    /* (cap) */
    uint16_t *len;     /* (V) bytes of the piece without "##" */
    uint8_t *inside;   /* (V) 1: continuation */
    int longest;       /* bytes of the longest piece */
    int8_t ascii[128]; /* class of each ASCII character: lower-cased itself, SPACE, DROP */
    uint8_t punctuation[128];
};

/* FNV-1a, grown byte by byte so that all prefixes of a word cost one pass */
static uint32_t hash_start(int inside) {
    return inside ? 2166136261u ^ 0x9e3779b9u : 2166136261u;
}

static uint32_t hash_byte(uint32_t h, char c) {
    return (h ^ (unsigned char)c) * 16777619u;
}

static const char *piece_text(const struct wordpiece_table *t, int32_t id) {
    return t->file.line[id] + 2 * t->inside[id];
}

static int32_t look_up(const struct wordpiece_table *t, uint32_t h, const char *s, size_t n,
                       int inside) {
    for (uint32_t i = h * 0x9e3779b1u >> 7 & (t->cap - 1); t->slot[i]; i = (i + 1) & (t->cap - 1)) {
        int32_t id = t->slot[i] - 1;
        if (t->hash[i] == h && t->inside[id] == inside && t->len[id] == n &&
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
    CHECK(n < UINT16_MAX, ERR_DATA, "%s:%d: the piece has %zu bytes", w->path, id + 1, n);
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
    uint32_t i = h * 0x9e3779b1u >> 7 & (t->cap - 1);
    while (t->slot[i])
        i = (i + 1) & (t->cap - 1);
    t->slot[i] = id + 1;
    t->hash[i] = h;
    return OK;
}

static int32_t special(const wordpiece *w, const char *piece) {
    for (int32_t id = 0; id < w->V; id++)
        if (strcmp(w->table->file.line[id], piece) == 0)
            return id;
    return -1;
}

static void classify_ascii(struct wordpiece_table *t) {
    for (int c = 0; c < 128; c++) {
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        int space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        t->ascii[c] = (int8_t)(space                  ? SPACE
                               : c < 32 || c == 127   ? DROP
                               : c >= 'A' && c <= 'Z' ? c + 32
                                                      : c);
        t->punctuation[c] = c > 32 && c < 127 && !letter;
    }
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
    while (t->cap < 4u * (uint32_t)w->V)
        t->cap *= 2;
    TRY(mem_alloc(t->cap, sizeof *t->slot, &t->slot));
    TRY(mem_alloc(t->cap, sizeof *t->hash, &t->hash));
    TRY(mem_alloc((size_t)w->V, sizeof *t->len, &t->len));
    TRY(mem_alloc((size_t)w->V, sizeof *t->inside, &t->inside));
    for (int32_t id = 0; id < w->V; id++)
        TRY(insert(w, id));
    classify_ascii(t);
    const struct {
        const char *piece;
        int32_t *id;
        int needed;
    } specials[] = {{"[PAD]", &w->pad, 1},
                    {"[UNK]", &w->unk, 1},
                    {"[CLS]", &w->cls, 1},
                    {"[SEP]", &w->sep, 1},
                    {"[MASK]", &w->mask, 0}};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        *specials[i].id = special(w, specials[i].piece);
        ENSURE(*specials[i].id >= 0 || !specials[i].needed, ERR_DATA,
               "%s: the vocabulary has no %s: is it a WordPiece vocabulary, one piece a line?",
               path, specials[i].piece);
    }
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
        free((*w)->table->slot);
        free((*w)->table->hash);
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

/* one word under construction, and where ids go */
typedef struct sink {
    const wordpiece *w;
    int32_t *ids;
    int cap, count;
    int points; /* code points of the word */
    size_t n;   /* bytes of the word; what passes WORD_BYTES is counted, not kept */
    char word[WORD_BYTES];
} sink;

static void put(sink *s, int32_t id) {
    if (s->count < s->cap)
        s->ids[s->count] = id;
    s->count++;
}

/* greedy longest match first; the whole word is [UNK] if any part has no piece */
static void end_word(sink *s) {
    if (s->points == 0)
        return;
    const struct wordpiece_table *t = s->w->table;
    int begin_count = s->count;
    size_t n = s->n;
    int unknown = s->points > MAX_WORD;
    for (size_t at = 0; at < n && !unknown;) {
        uint32_t h = hash_start(at > 0);
        int32_t best = -1;
        size_t best_end = at, last = at + (size_t)t->longest < n ? at + (size_t)t->longest : n;
        for (size_t k = at; k < last;) {
            h = hash_byte(h, s->word[k++]);
            if (k < n && ((unsigned char)s->word[k] & 0xc0) == 0x80)
                continue; /* inside a character */
            int32_t id = look_up(t, h, s->word + at, k - at, at > 0);
            if (id >= 0) {
                best = id;
                best_end = k;
            }
        }
        unknown = best < 0;
        if (!unknown)
            put(s, best);
        at = best_end;
    }
    if (unknown) {
        s->count = begin_count;
        put(s, s->w->unk);
    }
    s->points = 0;
    s->n = 0;
}

static void grow_word(sink *s, const char *bytes, size_t n) {
    s->points++;
    if (s->n + n > WORD_BYTES)
        return; /* longer than MAX_WORD code points: one [UNK] whatever it says */
    memcpy(s->word + s->n, bytes, n);
    s->n += n;
}

static void single(sink *s, const char *bytes, size_t n) {
    end_word(s);
    grow_word(s, bytes, n);
    end_word(s);
}

static int is_cjk(int32_t c) {
    static const struct {
        int32_t lo, hi;
    } blocks[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
                  {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (c >= blocks[i].lo && c <= blocks[i].hi)
            return 1;
    return 0;
}

/* one code point after lower-casing and decomposition */
static void add_point(sink *s, int32_t c) {
    char bytes[4];
    utf8proc_category_t category = utf8proc_category(c);
    if (category == UTF8PROC_CATEGORY_MN)
        return;
    size_t n = (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)bytes);
    int punctuation = c < 128
                          ? s->w->table->punctuation[c]
                          : category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
    if (punctuation)
        single(s, bytes, n);
    else
        grow_word(s, bytes, n);
}

/* white space as Python's str.split() sees it, above ASCII */
static int is_space(int32_t c, utf8proc_category_t category) {
    return category == UTF8PROC_CATEGORY_ZS || c == 0x2028 || c == 0x2029;
}

static void add_unicode(sink *s, int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    if (c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF)
        return;
    if (is_space(c, category)) {
        end_word(s);
        return;
    }
    int cjk = is_cjk(c);
    if (cjk)
        end_word(s);
    int32_t parts[32];
    int boundary = 0;
    int32_t lower[4];
    int n_lower = 1;
    lower[0] = utf8proc_tolower(c);
    if (c == 0x130) { /* the one character whose lower case is two: i and a dot above */
        lower[0] = 'i';
        lower[1] = 0x307;
        n_lower = 2;
    }
    for (int k = 0; k < n_lower; k++) {
        utf8proc_ssize_t n =
            utf8proc_decompose_char(lower[k], parts, 32, UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t i = 0; i < n && i < 32; i++)
            add_point(s, parts[i]);
    }
    if (cjk)
        end_word(s);
}

void wordpiece_encode(const wordpiece *w, const char *text, size_t n, int32_t *ids, int cap,
                      int *count) {
    sink s;
    s.w = w;
    s.ids = ids;
    s.cap = cap;
    s.count = s.points = 0;
    s.n = 0;
    const struct wordpiece_table *t = w->table;
    for (size_t at = 0; at < n;) {
        unsigned char c = (unsigned char)text[at];
        if (c < 128) {
            int8_t class = t->ascii[c];
            char lower = (char)class;
            at++;
            if (class == SPACE)
                end_word(&s);
            else if (class != DROP && t->punctuation[c])
                single(&s, &lower, 1);
            else if (class != DROP)
                grow_word(&s, &lower, 1);
            continue;
        }
        int32_t point = 0;
        utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                (utf8proc_ssize_t)(n - at), &point);
        if (len <= 0) { /* an invalid byte counts as U+FFFD, which is dropped */
            at++;
            continue;
        }
        at += (size_t)len;
        add_unicode(&s, point);
    }
    end_word(&s);
    *count = s.count;
}

int wordpiece_sequence(const wordpiece *w, const char *text, size_t n, int32_t *ids, int max_length,
                       int *cut) {
    int count = 0;
    ids[0] = w->cls;
    wordpiece_encode(w, text, n, ids + 1, max_length - 2, &count);
    *cut = count > max_length - 2;
    if (*cut)
        count = max_length - 2;
    ids[count + 1] = w->sep;
    return count + 2;
}
