#include "text/words.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

/* the code point at s, its length in *n; an invalid byte is U+FFFD of length 1 */
static int32_t point_at(const char *s, int *n) {
    int32_t c = 0;
    utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
    *n = len > 0 ? (int)len : 1;
    return len > 0 ? c : 0xFFFD;
}

static int is_joiner(int32_t c) {
    return c == '\'' || c == '-' || c == '_' || c == '*' || c == '@';
}

/* letters and numbers as Python's \w sees them, and the joiners */
static int in_word(int32_t c) {
    if (c < 128)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               is_joiner(c);
    utf8proc_category_t k = utf8proc_category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

typedef struct span {
    size_t begin, end;
} span;

/* the next run of word characters at or after *at, stripped of joiners; 0: none left */
static int next_word(const char *text, size_t *at, span *out) {
    for (;;) {
        int n;
        size_t i = *at;
        while (text[i] && !in_word(point_at(text + i, &n)))
            i += (size_t)n;
        if (!text[i])
            return 0;
        size_t begin = i;
        while (text[i] && in_word(point_at(text + i, &n)))
            i += (size_t)n;
        *at = i;
        while (begin < i && is_joiner(text[begin]))
            begin++;
        while (i > begin && is_joiner(text[i - 1]))
            i--;
        if (i > begin) {
            *out = (span){begin, i};
            return 1;
        }
    }
}

static err copy(arena *a, const char *bytes, size_t n, const char **out) {
    char *text;
    CALL(arena_alloc(a, n + 1, 1, &text));
    memcpy(text, bytes, n);
    text[n] = '\0';
    *out = text;
    return OK;
}

err words_split(arena *a, const char *text, wording *out) {
    span s;
    size_t at = 0, last = 0;
    int n = 0;
    while (next_word(text, &at, &s))
        n++;
    CALL(arena_alloc(a, (size_t)n + 1, sizeof *out->word, &out->word));
    CALL(arena_alloc(a, (size_t)n + 1, sizeof *out->gap, &out->gap));
    out->n = n;
    at = 0;
    for (int i = 0; i < n; i++) {
        next_word(text, &at, &s);
        CALL(copy(a, text + last, s.begin - last, &out->gap[i]));
        CALL(copy(a, text + s.begin, s.end - s.begin, &out->word[i]));
        last = s.end;
    }
    return copy(a, text + last, strlen(text) - last, &out->gap[n]);
}

err words_join(const wording *w, int skip, strbuf *out) {
    for (int i = 0; i <= w->n; i++) {
        const char *gap = w->gap[i];
        size_t n = strlen(gap);
        if (skip == i && i > 0 && n > 0 && gap[n - 1] == ' ')
            n--;
        if (skip == 0 && i == 1 && n > 0 && gap[0] == ' ') {
            gap++;
            n--;
        }
        CALL(strbuf_add(out, gap, n));
        if (i < w->n && i != skip)
            CALL(strbuf_add(out, w->word[i], strlen(w->word[i])));
    }
    return OK;
}

void words_around(int n, int i, int size, int *first, int *last) {
    double half = (size - 1) / 2.0;
    if (size == 0 || n <= size) {
        *first = 0;
        *last = n - 1;
    } else if (i - half < 0) {
        *first = 0;
        *last = size - 1;
    } else if (i + half >= n) {
        *first = n - size;
        *last = n - 1;
    } else {
        *first = i - (int)ceil(half);
        *last = i + (int)floor(half);
    }
}

err words_window(const wording *w, int first, int last, strbuf *out) {
    for (int i = first; i <= last; i++) {
        if (i > first)
            CALL(strbuf_add(out, w->gap[i], strlen(w->gap[i])));
        CALL(strbuf_add(out, w->word[i], strlen(w->word[i])));
    }
    return OK;
}

/* map every code point; the result may be longer than the word */
static err map_points(arena *a, const char *word, int32_t (*map)(int32_t), const char **out) {
    size_t len = strlen(word), k = 0;
    char *text;
    CALL(arena_alloc(a, 4 * len + 1, 1, &text));
    for (size_t i = 0; i < len;) {
        int n;
        int32_t c = point_at(word + i, &n);
        i += (size_t)n;
        k += (size_t)utf8proc_encode_char(map(c), (utf8proc_uint8_t *)text + k);
    }
    text[k] = '\0';
    *out = text;
    return OK;
}

static int32_t lower_point(int32_t c) {
    return utf8proc_tolower(c);
}

static int32_t upper_point(int32_t c) {
    return utf8proc_toupper(c);
}

err words_lower(arena *a, const char *word, const char **out) {
    return map_points(a, word, lower_point, out);
}

void word_lower(char *out, size_t size, const char *word) {
    size_t k = 0;
    for (size_t i = 0; word[i] && k + 5 <= size;) {
        int n;
        int32_t c = point_at(word + i, &n);
        i += (size_t)n;
        k += (size_t)utf8proc_encode_char(lower_point(c), (utf8proc_uint8_t *)out + k);
    }
    out[k] = '\0';
}

/* in what case a word is written */
typedef struct lettering {
    int points, upper, lower, first_upper;
} lettering;

static lettering look(const char *word) {
    lettering l = {0};
    for (size_t i = 0; word[i]; l.points++) {
        int n;
        utf8proc_category_t k = utf8proc_category(point_at(word + i, &n));
        l.upper += k == UTF8PROC_CATEGORY_LU;
        l.lower += k == UTF8PROC_CATEGORY_LL;
        if (i == 0)
            l.first_upper = l.upper;
        i += (size_t)n;
    }
    return l;
}

/* the first code point in upper, the rest in lower case */
static err capitalise(arena *a, const char *word, const char **out) {
    const char *small, *big;
    char *text;
    int skip, take;
    CALL(map_points(a, word, lower_point, &small));
    CALL(map_points(a, word, upper_point, &big));
    point_at(small, &skip);
    point_at(big, &take);
    size_t rest = strlen(small) - (size_t)skip;
    CALL(arena_alloc(a, (size_t)take + rest + 1, 1, &text));
    memcpy(text, big, (size_t)take);
    memcpy(text + take, small + skip, rest + 1);
    *out = text;
    return OK;
}

err words_case(arena *a, const char *original, const char *candidate, const char **out) {
    lettering l = look(original);
    if (l.lower > 0 && l.upper == 0)
        return map_points(a, candidate, lower_point, out);
    if (l.upper > 0 && l.lower == 0 && l.points > 1)
        return map_points(a, candidate, upper_point, out);
    if (l.first_upper && l.upper == 1 && l.lower > 0 && candidate[0])
        return capitalise(a, candidate, out);
    return copy(a, candidate, strlen(candidate), out);
}
