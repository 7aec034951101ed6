#include "attack/word_vectors.h"

#include "base/arena.h"
#include "io/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a number where vectors of these files have nothing else: sign, digits, point, digits, exponent,
 * of at most 15 digits, which float64 holds exactly; else strtod */
static double number(const char *p, char **end) {
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *s = p + strspn(p, " \t");
    int minus = *s == '-', digits = 0, behind = 0, point = 0;
    int64_t value = 0;
    s += minus;
    for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
        if (*s == '.') {
            point = 1;
            continue;
        }
        value = 10 * value + (*s - '0');
        behind += point;
        if (++digits > 15)
            return strtod(p, end);
    }
    if (digits == 0 || (*s != ' ' && *s != '\0' && *s != '\t'))
        return strtod(p, end);
    *end = (char *)s;
    double x = (double)value / power[behind]; /* both exact: rounded once, as strtod does */
    return minus ? -x : x;
}

/* the numbers of a line into place: all there must be d, finite, and not all 0 */
static err read_numbers(word_vectors *w, const lines *in, int line, char *p) {
    float *v = w->v + (size_t)w->n * (size_t)w->d;
    double norm = 0.0;
    int d = 0;
    for (char *end;; p = end, d++) {
        double x = number(p, &end);
        if (end == p)
            break;
        CHECK(isfinite(x), ERR_DATA, "%s:%d: number %d is not finite", in->path, line + 1, d + 1);
        CHECK(d < w->d, ERR_DATA, "%s:%d: expected %d numbers, got more", in->path, line + 1, w->d);
        v[d] = (float)x;
        norm += x * x;
    }
    CHECK(!p[strspn(p, " \t")], ERR_DATA, "%s:%d: \"%.20s\" is not a number", in->path, line + 1,
          p);
    CHECK(d == w->d, ERR_DATA, "%s:%d: expected %d numbers, got %d", in->path, line + 1, w->d, d);
    CHECK(norm > 0, ERR_DATA, "%s:%d: the vector is zero", in->path, line + 1);
    for (int k = 0; k < d; k++)
        v[k] *= (float)(1.0 / sqrt(norm));
    return OK;
}

static int count_numbers(const char *p) {
    int d = 0;
    for (p += strspn(p, " \t"); *p; d++) {
        p += strcspn(p, " \t");
        p += strspn(p, " \t");
    }
    return d;
}

static err read_vector(word_vectors *w, const lines *in, int line, size_t *cap) {
    char *p = in->line[line];
    size_t len = strcspn(p, " \t");
    int32_t number;
    int fresh;
    CHECK(len > 0 && p[len], ERR_DATA, "%s:%d: expected a word and its vector", in->path, line + 1);
    if (w->n == 0)
        w->d = count_numbers(p + len);
    CHECK(w->d > 0, ERR_DATA, "%s:%d: expected a word and its vector", in->path, line + 1);
    CALL(dictionary_add(w->index, p, len, &number, &fresh));
    CHECK(fresh, ERR_DATA, "%s:%d: \"%.*s\" stands twice", in->path, line + 1, (int)len, p);
    CALL(mem_grow(((size_t)w->n + 1) * (size_t)w->d, sizeof *w->v, &w->v, cap));
    CALL(read_numbers(w, in, line, p + len));
    w->n++;
    return OK;
}

/* word2vec's header: two numbers and nothing else */
static int is_header(const char *line) {
    char *first, *second;
    (void)strtol(line, &first, 10);
    (void)strtol(first, &second, 10);
    return first != line && second != first && !second[strspn(second, " ")];
}

err word_vectors_read(const char *path, word_vectors *out) {
    lines in;
    size_t cap = 0;
    *out = (word_vectors){0};
    CALL(lines_read(path, &in));
    err e;
    TRY(dictionary_create(&out->index));
    int header = is_header(in.line[0]);
    ENSURE(in.n > header, ERR_DATA, "%s:1: there is a header, but no vector", path);
    for (int i = header; i < in.n; i++)
        TRY(read_vector(out, &in, i, &cap));
done:
    lines_free(&in);
    if (e != OK)
        word_vectors_free(out);
    return e;
}

void word_vectors_free(word_vectors *w) {
    dictionary_destroy(&w->index);
    free(w->v);
    *w = (word_vectors){0};
}
