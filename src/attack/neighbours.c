#include "attack/neighbours.h"

#include "base/arena.h"
#include "io/dictionary.h"
#include "io/json.h"
#include "io/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct neighbours {
    dictionary *index;
    arena *memory;
    const char ***list; /* (words) candidates, NULL: not computed yet */
    int *count;         /* (words) */
    /* from vectors */
    int d, max;
    double min_cosine;
    float *vector; /* (words, d) of length 1 */
};

void neighbours_close(neighbours **n) {
    if (!*n)
        return;
    dictionary_destroy(&(*n)->index);
    arena_destroy(&(*n)->memory);
    free((*n)->list);
    free((*n)->count);
    free((*n)->vector);
    free(*n);
    *n = NULL;
}

static err create(neighbours **out) {
    neighbours *n = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *n, &n));
    TRY(dictionary_create(&n->index));
    TRY(arena_create(1 << 16, &n->memory));
    *out = n;
    n = NULL;
done:
    neighbours_close(&n);
    return e;
}

static err keep_list(neighbours *n, const char *path, const char *word, const json_t *list) {
    int32_t i;
    int fresh;
    CHECK(json_is_array(list), ERR_DATA, "%s: \"%s\": expected a list of words", path, word);
    CALL(dictionary_add(n->index, word, strlen(word), &i, &fresh));
    size_t count = json_array_size(list), k;
    const char **candidate;
    const json_t *v;
    CALL(arena_alloc(n->memory, count + 1, sizeof *candidate, &candidate));
    json_array_foreach(list, k, v) {
        CHECK(json_is_string(v) && json_string_length(v) > 0, ERR_DATA,
              "%s: \"%s\": neighbour %zu is not a word", path, word, k);
        char *copy;
        CALL(arena_alloc(n->memory, json_string_length(v) + 1, 1, &copy));
        memcpy(copy, json_string_value(v), json_string_length(v) + 1);
        candidate[k] = copy;
    }
    n->list[i] = candidate;
    n->count[i] = (int)count;
    return OK;
}

err neighbours_open_json(const char *path, neighbours **out) {
    json_t *file = NULL, *list;
    neighbours *n = NULL;
    const char *word;
    err e;
    TRY(json_read(path, &file));
    ENSURE(json_is_object(file), ERR_DATA, "%s:1: expected an object: word -> list of words", path);
    TRY(create(&n));
    TRY(mem_alloc(json_object_size(file) + 1, sizeof *n->list, &n->list));
    TRY(mem_alloc(json_object_size(file) + 1, sizeof *n->count, &n->count));
    json_object_foreach(file, word, list) {
        TRY(keep_list(n, path, word, list));
    }
    *out = n;
    n = NULL;
done:
    json_decref(file);
    neighbours_close(&n);
    return e;
}

/* `word v1 … vd`: the vector, scaled to length 1, behind those read before */
static err read_vector(neighbours *n, const lines *in, int line, size_t *cap) {
    char *p = in->line[line];
    size_t len = strcspn(p, " \t");
    int32_t i;
    int fresh, d = 0;
    CHECK(len > 0 && p[len], ERR_DATA, "%s:%d: expected a word and its vector", in->path, line + 1);
    CALL(dictionary_add(n->index, p, len, &i, &fresh));
    CHECK(fresh, ERR_DATA, "%s:%d: \"%.*s\" stands twice", in->path, line + 1, (int)len, p);
    double norm = 0.0;
    p += len;
    for (char *end;; p = end, d++) {
        double v = strtod(p, &end);
        if (end == p)
            break;
        CHECK(isfinite(v), ERR_DATA, "%s:%d: number %d is not finite", in->path, line + 1, d + 1);
        size_t at = (size_t)i * (size_t)(n->d ? n->d : d + 1) + (size_t)d;
        if (at >= *cap) {
            *cap = 2 * at + 1024;
            float *more = realloc(n->vector, *cap * sizeof *more);
            CHECK(more, ERR_FAILED, "out of memory: %zu vector entries", *cap);
            n->vector = more;
        }
        CHECK(!n->d || d < n->d, ERR_DATA, "%s:%d: expected %d numbers, got more", in->path,
              line + 1, n->d);
        n->vector[at] = (float)v;
        norm += v * v;
    }
    CHECK(!p[strspn(p, " \t")], ERR_DATA, "%s:%d: \"%.20s\" is not a number", in->path, line + 1,
          p);
    CHECK(d > 0 && (!n->d || d == n->d), ERR_DATA, "%s:%d: expected %d numbers, got %d", in->path,
          line + 1, n->d, d);
    CHECK(norm > 0, ERR_DATA, "%s:%d: the vector is zero", in->path, line + 1);
    n->d = d;
    for (int k = 0; k < d; k++)
        n->vector[(size_t)i * (size_t)d + (size_t)k] *= (float)(1.0 / sqrt(norm));
    return OK;
}

err neighbours_open_vectors(const char *path, double min_cosine, int max_candidates,
                            neighbours **out) {
    lines in;
    neighbours *n = NULL;
    size_t cap = 0;
    CALL(lines_read(path, &in));
    err e;
    TRY(create(&n));
    n->min_cosine = min_cosine;
    n->max = max_candidates;
    /* word2vec's header: two numbers and nothing else */
    char *end, *second;
    (void)strtol(in.line[0], &second, 10);
    (void)strtol(second, &end, 10);
    int header = second != in.line[0] && end != second && !end[strspn(end, " ")];
    for (int i = header; i < in.n; i++)
        TRY(read_vector(n, &in, i, &cap));
    size_t words = (size_t)dictionary_count(n->index) + 1;
    TRY(mem_alloc(words, sizeof *n->list, &n->list));
    TRY(mem_alloc(words, sizeof *n->count, &n->count));
    *out = n;
    n = NULL;
done:
    lines_free(&in);
    neighbours_close(&n);
    return e;
}

const float *neighbours_vector(const neighbours *n, const char *word, int *d) {
    int32_t i = dictionary_find(n->index, word, strlen(word));
    *d = n->d;
    return n->vector && i >= 0 ? n->vector + (size_t)i * (size_t)n->d : NULL;
}

typedef struct near {
    double cosine;
    int32_t word;
} near;

static int nearer(const void *a, const void *b) {
    const near *x = a, *y = b;
    if (x->cosine != y->cosine)
        return x->cosine > y->cosine ? -1 : 1;
    return (x->word > y->word) - (x->word < y->word);
}

/* all words of cosine >= min_cosine, nearest first, at most max: computed once a word */
static err search(neighbours *n, int32_t i) {
    int32_t words = dictionary_count(n->index);
    const float *x = n->vector + (size_t)i * (size_t)n->d;
    near *found = NULL;
    CALL(mem_alloc((size_t)words, sizeof *found, &found));
    int count = 0;
    for (int32_t j = 0; j < words; j++) {
        const float *y = n->vector + (size_t)j * (size_t)n->d;
        double dot = 0.0;
        for (int k = 0; k < n->d; k++)
            dot += (double)x[k] * (double)y[k];
        if (j != i && dot >= n->min_cosine)
            found[count++] = (near){dot, j};
    }
    qsort(found, (size_t)count, sizeof *found, nearer);
    if (count > n->max)
        count = n->max;
    err e = arena_alloc(n->memory, (size_t)count + 1, sizeof *n->list[i], &n->list[i]);
    for (int k = 0; e == OK && k < count; k++)
        n->list[i][k] = dictionary_key(n->index, found[k].word);
    n->count[i] = count;
    free(found);
    return e;
}

err neighbours_of(neighbours *n, const char *word, int max, const char ***candidates, int *count) {
    int32_t i = dictionary_find(n->index, word, strlen(word));
    *count = 0;
    if (i < 0)
        return OK;
    if (!n->list[i])
        CALL(search(n, i));
    *candidates = n->list[i];
    *count = n->count[i] < max ? n->count[i] : max;
    return OK;
}
