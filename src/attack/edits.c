#include "attack/edits.h"

#include "base/rng.h"
#include "io/hash.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

/* a word as code points, with a place for one more */
typedef struct letters {
    int32_t *c; // (n)
    int n;
} letters;

static err decode(arena *a, const char *text, letters *out) {
    size_t len = strlen(text);
    CALL(arena_alloc(a, len + 2, sizeof *out->c, &out->c));
    out->n = 0;
    for (size_t i = 0; i < len;)
        i += (size_t)unicode_decode(text + i, len - i, &out->c[out->n++]);
    return OK;
}

/* append the word to list (*n), unless it is the original or there already */
static err add(arena *a, const letters *x, const char *word, const char **list, int *n) {
    char *text;
    size_t len = 0;
    CALL(arena_alloc(a, 4 * (size_t)x->n + 1, 1, &text));
    for (int i = 0; i < x->n; i++)
        len += (size_t)unicode_encode(x->c[i], text + len);
    text[len] = '\0';
    for (int i = 0; i < *n; i++)
        if (strcmp(list[i], text) == 0)
            return OK;
    if (strcmp(text, word) != 0)
        list[(*n)++] = text;
    return OK;
}

typedef enum edit { INSERT, DELETE, SWAP, REPLACE } edit;

/* x with character i edited; with: what is inserted or put in its place */
static void apply(letters *x, edit kind, int i, int32_t with) {
    size_t behind = (size_t)(x->n - i) * sizeof *x->c;
    if (kind == INSERT) {
        memmove(x->c + i + 1, x->c + i, behind);
        x->n++;
    }
    if (kind == DELETE) {
        memmove(x->c + i, x->c + i + 1, behind - sizeof *x->c);
        x->n--;
        return;
    }
    if (kind == SWAP) {
        with = x->c[i + 1];
        x->c[i + 1] = x->c[i];
    }
    x->c[i] = with;
}

/* One edit at a random character of first .. last - 1, if there is one. space: inserts a space
 * instead of a random letter. */
static err edit_once(arena *a, uint64_t seed, const char *word, edit kind, int space, int first,
                     int last, const char **list, int *n) {
    letters x;
    if (first >= last)
        return OK;
    CALL(decode(a, word, &x));
    uint64_t key = hash_u64(word, strlen(word));
    rng_stream r = rng_open(seed, RNG_EDIT, (uint32_t)key, (uint32_t)(key >> 32) ^ (uint32_t)kind);
    int at = first + (int)rng_below(&r, (uint32_t)(last - first));
    int32_t letter = 'a' + (int32_t)rng_below(&r, 26);
    apply(&x, kind, at, space ? ' ' : letter);
    return add(a, &x, word, list, n);
}

/* What looks like a Latin letter or digit: Cyrillic, Greek, Armenian, IPA and digits, chosen from
 * the Unicode charts; 0: none. */
static int32_t look_alike(int32_t c) {
    static const int32_t small[26] = {0x0430, 0x042C, 0x0441, 0x0501, 0x0435, 0x0192, 0x0261,
                                      0x04BB, 0x0456, 0x0458, 0x03BA, 0x04CF, 0x217F, 0x0578,
                                      0x043E, 0x0440, 0x051B, 0x0433, 0x0455, 0x03C4, 0x03C5,
                                      0x03BD, 0x051D, 0x0445, 0x0443, 0x1D22};
    if (c >= 'a' && c <= 'z')
        return small[c - 'a'];
    return c == '0' ? 'O' : c == '1' ? 'l' : c == '5' ? 'S' : c == '3' ? 0x0417 : 0;
}

err edits_bugs(arena *a, uint64_t seed, const char *word, const char ***list, int *n) {
    letters x;
    CALL(decode(a, word, &x));
    CALL(arena_alloc(a, (size_t)x.n + 4, sizeof **list, list));
    *n = 0;
    CALL(edit_once(a, seed, word, INSERT, 1, 1, x.n - 1, *list, n));
    CALL(edit_once(a, seed, word, DELETE, 0, 1, x.n - 1, *list, n));
    CALL(edit_once(a, seed, word, SWAP, 0, 1, x.n - 2, *list, n));
    for (int i = 0; i < x.n; i++) {
        int32_t c = x.c[i];
        x.c[i] = look_alike(c);
        if (x.c[i])
            CALL(add(a, &x, word, *list, n));
        x.c[i] = c;
    }
    return OK;
}

err edits_random(arena *a, uint64_t seed, const char *word, const char ***list, int *n) {
    letters x;
    CALL(decode(a, word, &x));
    CALL(arena_alloc(a, 5, sizeof **list, list));
    *n = 0;
    if (x.n <= 1)
        return OK;
    CALL(edit_once(a, seed, word, SWAP, 0, 0, x.n - 1, *list, n));
    CALL(edit_once(a, seed, word, REPLACE, 0, 0, x.n, *list, n));
    CALL(edit_once(a, seed, word, DELETE, 0, 0, x.n, *list, n));
    return edit_once(a, seed, word, INSERT, 0, 0, x.n, *list, n);
}

static int least(int x, int y, int z) {
    int m = x < y ? x : y;
    return m < z ? m : z;
}

/* the band |i - j| <= limit of the table of distances between the first i and j characters */
err edits_within(arena *a, const char *x, const char *y, int limit, int *within) {
    letters s, t;
    int *row, far = limit + 1;
    CALL(decode(a, x, &s));
    CALL(decode(a, y, &t));
    *within = 0;
    if (abs(s.n - t.n) > limit)
        return OK;
    CALL(arena_alloc(a, (size_t)t.n + 2, sizeof *row, &row));
    for (int j = 0; j <= t.n; j++)
        row[j] = j < far ? j : far;
    for (int i = 1; i <= s.n; i++) {
        int low = i - limit > 1 ? i - limit : 1, high = i + limit < t.n ? i + limit : t.n;
        int corner = row[low - 1];
        row[low - 1] = low == 1 && i < far ? i : far;
        for (int j = low; j <= high; j++) {
            int above = j < i + limit ? row[j] : far;
            int d = least(corner + (s.c[i - 1] != t.c[j - 1]), above + 1, row[j - 1] + 1);
            corner = row[j];
            row[j] = d < far ? d : far;
        }
    }
    *within = row[t.n] <= limit;
    return OK;
}
