#include "text/tagger_features.h"

#include "text/words.h"

#include <string.h>

/* the texts that a feature is made of */
typedef enum part {
    NONE,
    TAG_BEFORE, /* one word before */
    TAG_BEFORE2,
    WORD_BEFORE2,
    WORD_BEFORE,
    WORD,
    WORD_BEHIND,
    WORD_BEHIND2,
    LAST_BEFORE, /* last three characters of the word before */
    LAST,
    LAST_BEHIND,
    FIRST,
    SHAPE,
    SHAPE_BEHIND,
    LAST2,
    LAST4,
    FIRST3,
    WRITTEN,
    PARTS
} part;

/* in the order of feature_kind */
static const struct {
    const char *name;
    part first, second;
} KIND[FEATURE_COUNT] = {
    {"bias", NONE, NONE},
    {"i suffix", LAST, NONE},
    {"i pref1", FIRST, NONE},
    {"i-1 tag", TAG_BEFORE, NONE},
    {"i-2 tag", TAG_BEFORE2, NONE},
    {"i tag+i-2 tag", TAG_BEFORE, TAG_BEFORE2},
    {"i word", WORD, NONE},
    {"i-1 tag+i word", TAG_BEFORE, WORD},
    {"i-1 word", WORD_BEFORE, NONE},
    {"i-1 suffix", LAST_BEFORE, NONE},
    {"i-2 word", WORD_BEFORE2, NONE},
    {"i+1 word", WORD_BEHIND, NONE},
    {"i+1 suffix", LAST_BEHIND, NONE},
    {"i+2 word", WORD_BEHIND2, NONE},
    {"i shape", SHAPE, NONE},
    {"i shape+i+1 shape", SHAPE, SHAPE_BEHIND},
    {"i suffix2", LAST2, NONE},
    {"i suffix4", LAST4, NONE},
    {"i pref3", FIRST3, NONE},
    {"i-1 word+i word", WORD_BEFORE, WORD},
    {"i word+i+1 word", WORD, WORD_BEHIND},
    {"i written", WRITTEN, NONE},
};

const char *feature_outside(int place) {
    static const char *const name[] = {"-START-", "-START2-", "-END-", "-END2-"};
    return name[place + 2];
}

static uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static const uint64_t FNV = 14695981039346656037u;

static uint64_t step(uint64_t h, char c) {
    return (h ^ (unsigned char)c) * 1099511628211u;
}

uint64_t feature_hash(const char *text, size_t n) {
    uint64_t h = FNV;
    for (size_t i = 0; i < n; i++)
        h = step(h, text[i]);
    return mix(h);
}

static uint64_t combine(int kind, uint64_t first, uint64_t second) {
    return mix((uint64_t)(kind + 1) * 0x9e3779b97f4a7c15u + first + second * 0xc2b2ae3d27d4eb4fu);
}

uint64_t feature_known(uint64_t written) {
    return combine(FEATURE_COUNT, written, 0);
}

int feature_read(const char *text, uint64_t *key) {
    for (int k = 0; k < FEATURE_COUNT; k++) {
        size_t n = strlen(KIND[k].name);
        if (strncmp(text, KIND[k].name, n) != 0 || text[n] != (KIND[k].first == NONE ? '\0' : ' '))
            continue;
        uint64_t first = 0, second = 0;
        if (KIND[k].first != NONE) {
            const char *a = text + n + 1, *b = KIND[k].second == NONE ? NULL : strchr(a, ' ');
            if (KIND[k].second != NONE && !b)
                return -1;
            first = feature_hash(a, b ? (size_t)(b - a) : strlen(a));
            second = b ? feature_hash(b + 1, strlen(b + 1)) : 0;
        }
        *key = combine(k, first, second);
        return k;
    }
    return -1;
}

/* --- one word -----------------------------------------------------------------------------------
 */

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_inside(char c) { /* of a character of several bytes, behind its first */
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* where the last k characters of s (n bytes) begin */
static const char *tail(const char *s, size_t n, int k) {
    const char *p = s + n;
    for (; k > 0 && p > s; k--)
        do
            p--;
        while (p > s && is_inside(*p));
    return p;
}

/* bytes of the first k characters of s */
static size_t head(const char *s, int k) {
    size_t n = 0;
    for (; k > 0 && s[n]; k--) {
        n++;
        while (is_inside(s[n]))
            n++;
    }
    return n;
}

/* letters as X, x, digits as d, other characters as they are, runs of equals once: "Xx", "d,d" */
static size_t shape_of(const char *s, char out[16]) {
    size_t n = 0;
    for (; *s && n < 15; s++) {
        char c = *s;
        if ((unsigned char)c >= 0x80)
            c = 'u';
        else if (c >= 'A' && c <= 'Z')
            c = 'X';
        else if (c >= 'a' && c <= 'z')
            c = 'x';
        else if (is_digit(c))
            c = 'd';
        if (n == 0 || out[n - 1] != c)
            out[n++] = c;
    }
    out[n] = '\0';
    return n;
}

const char *feature_normal(const char *word, char out[FEATURE_NORMAL_BYTES]) {
    size_t n = strlen(word), i = 0;
    if (word[0] != '-' && memchr(word, '-', n))
        return "!HYPHEN";
    if (is_digit(word[0]))
        return n == 4 && strspn(word, "0123456789") == 4 ? "!YEAR" : "!DIGITS";
    if (n >= FEATURE_NORMAL_BYTES / 4) {
        word = tail(word, n, FEATURE_NORMAL_BYTES / 16);
        n = strlen(word);
    }
    for (; i < n && (unsigned char)word[i] < 0x80; i++)
        out[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
    out[i] = '\0';
    if (i < n)
        word_lower(out, FEATURE_NORMAL_BYTES, word);
    return out;
}

static uint64_t hash_tail(const char *s, size_t n, int k) {
    const char *last = tail(s, n, k);
    return feature_hash(last, (size_t)(s + n - last));
}

void feature_word_of(const char *written, const char *normal, int ours, feature_word *out) {
    char shape[16];
    size_t n = strlen(written), m = strlen(normal);
    out->written = feature_hash(written, n);
    out->word = feature_hash(normal, m);
    out->suffix = hash_tail(written, n, 3);
    out->word_suffix = hash_tail(normal, m, 3);
    out->first = feature_hash(written, head(written, 1));
    if (!ours)
        return;
    out->shape = feature_hash(shape, shape_of(written, shape));
    out->suffix2 = hash_tail(written, n, 2);
    out->suffix4 = hash_tail(written, n, 4);
    out->prefix3 = feature_hash(written, head(written, 3));
}

/* --- a word in its context ----------------------------------------------------------------------
 */

void feature_keys(const feature_context *c, uint64_t tag_1, uint64_t tag_2, int ours,
                  uint64_t key[FEATURE_COUNT]) {
    const feature_word *w = c->at[2];
    uint64_t of[PARTS] = {[TAG_BEFORE] = tag_1,
                          [TAG_BEFORE2] = tag_2,
                          [WORD_BEFORE2] = c->at[0]->word,
                          [WORD_BEFORE] = c->at[1]->word,
                          [WORD] = w->word,
                          [WORD_BEHIND] = c->at[3]->word,
                          [WORD_BEHIND2] = c->at[4]->word,
                          [LAST_BEFORE] = c->at[1]->word_suffix,
                          [LAST] = w->suffix,
                          [LAST_BEHIND] = c->at[3]->word_suffix,
                          [FIRST] = w->first,
                          [SHAPE] = w->shape,
                          [SHAPE_BEHIND] = c->at[3]->shape,
                          [LAST2] = w->suffix2,
                          [LAST4] = w->suffix4,
                          [FIRST3] = w->prefix3,
                          [WRITTEN] = w->written};
    int n = ours ? FEATURE_COUNT : FEATURE_NLTK;
    for (int k = 0; k < n; k++)
        key[k] = combine(k, of[KIND[k].first], of[KIND[k].second]);
}

/* append the text of one part */
static err write_part(part p, const feature_texts *t, strbuf *out) {
    static const int at[PARTS] = {
        [WORD_BEFORE2] = 0, [WORD_BEFORE] = 1, [WORD] = 2,         [WORD_BEHIND] = 3,
        [WORD_BEHIND2] = 4, [LAST_BEFORE] = 1, [LAST] = 2,         [LAST_BEHIND] = 3,
        [FIRST] = 2,        [SHAPE] = 2,       [SHAPE_BEHIND] = 3, [LAST2] = 2,
        [LAST4] = 2,        [FIRST3] = 2,      [WRITTEN] = 2};
    const char *written = t->written[at[p]], *normal = t->normal[at[p]];
    size_t n = strlen(written);
    char shape[16];
    switch (p) {
    case TAG_BEFORE:
        return strbuf_printf(out, " %s", t->tag_1);
    case TAG_BEFORE2:
        return strbuf_printf(out, " %s", t->tag_2);
    case LAST:
        return strbuf_printf(out, " %s", tail(written, n, 3));
    case LAST2:
        return strbuf_printf(out, " %s", tail(written, n, 2));
    case LAST4:
        return strbuf_printf(out, " %s", tail(written, n, 4));
    case FIRST:
        return strbuf_printf(out, " %.*s", (int)head(written, 1), written);
    case FIRST3:
        return strbuf_printf(out, " %.*s", (int)head(written, 3), written);
    case SHAPE:
    case SHAPE_BEHIND:
        shape_of(written, shape);
        return strbuf_printf(out, " %s", shape);
    case WRITTEN:
        return strbuf_printf(out, " %s", written);
    case LAST_BEFORE:
    case LAST_BEHIND:
        return strbuf_printf(out, " %s", tail(normal, strlen(normal), 3));
    default:
        return strbuf_printf(out, " %s", normal);
    }
}

err feature_write(feature_kind kind, const feature_texts *t, strbuf *out) {
    CALL(strbuf_printf(out, "%s", KIND[kind].name));
    if (KIND[kind].first != NONE)
        CALL(write_part(KIND[kind].first, t, out));
    return KIND[kind].second != NONE ? write_part(KIND[kind].second, t, out) : OK;
}
