#include "attack/neighbours.h"

#include "attack/neighbour_index.h"
#include "attack/word_vectors.h"
#include "base/arena.h"
#include "base/log.h"
#include "io/json.h"

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
    /* from an index */
    neighbour_index file;
};

void neighbours_close(neighbours **n) {
    if (!*n)
        return;
    dictionary_destroy(&(*n)->index);
    arena_destroy(&(*n)->memory);
    free((*n)->list);
    free((*n)->count);
    free((*n)->vector);
    neighbour_index_close(&(*n)->file);
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

/* a word of the list, unless it is the word itself or stands there already: those are counted */
static err keep_word(neighbours *n, const char *word, const json_t *v, int32_t i, int dropped[2]) {
    const char *text = json_string_value(v);
    char *copy;
    if (strcmp(text, word) == 0) {
        dropped[0]++;
        return OK;
    }
    for (int k = 0; k < n->count[i]; k++)
        if (strcmp(text, n->list[i][k]) == 0) {
            dropped[1]++;
            return OK;
        }
    CALL(arena_alloc(n->memory, strlen(text) + 1, 1, &copy));
    memcpy(copy, text, strlen(text) + 1);
    n->list[i][n->count[i]++] = copy;
    return OK;
}

static err keep_list(neighbours *n, const char *path, const char *word, const json_t *list,
                     int dropped[2]) {
    int32_t i;
    int fresh;
    size_t k;
    const json_t *v;
    CHECK(json_is_array(list), ERR_DATA, "%s: \"%s\": expected a list of words", path, word);
    CALL(dictionary_add(n->index, word, strlen(word), &i, &fresh));
    CALL(arena_alloc(n->memory, json_array_size(list) + 1, sizeof *n->list[i], &n->list[i]));
    json_array_foreach(list, k, v) {
        CHECK(json_is_string(v) && json_string_length(v) > 0, ERR_DATA,
              "%s: \"%s\": neighbour %zu is not a word", path, word, k);
        CALL(keep_word(n, word, v, i, dropped));
    }
    return OK;
}

err neighbours_open_json(const char *path, neighbours **out) {
    json_t *file = NULL, *list;
    neighbours *n = NULL;
    const char *word;
    int dropped[2] = {0};
    err e;
    TRY(json_read(path, &file));
    ENSURE(json_is_object(file), ERR_DATA, "%s:1: expected an object: word -> list of words", path);
    TRY(create(&n));
    TRY(mem_alloc(json_object_size(file) + 1, sizeof *n->list, &n->list));
    TRY(mem_alloc(json_object_size(file) + 1, sizeof *n->count, &n->count));
    json_object_foreach(file, word, list) {
        TRY(keep_list(n, path, word, list, dropped));
    }
    if (dropped[0] || dropped[1])
        log_warning("%s: left out: %d words as their own neighbours, %d that a list has twice",
                    path, dropped[0], dropped[1]);
    *out = n;
    n = NULL;
done:
    json_decref(file);
    neighbours_close(&n);
    return e;
}

err neighbours_open_vectors(const char *path, double min_cosine, int max_candidates,
                            neighbours **out) {
    neighbours *n = NULL;
    word_vectors v = {0};
    err e;
    CHECK(!neighbour_index_is(path), ERR_DATA,
          "%s: an index of neighbours, not vectors: name it in attack.neighbours", path);
    TRY(create(&n));
    TRY(word_vectors_read(path, &v));
    dictionary_destroy(&n->index);
    n->index = v.index;
    n->vector = v.v;
    n->d = v.d;
    n->min_cosine = min_cosine;
    n->max = max_candidates;
    TRY(mem_alloc((size_t)v.n + 1, sizeof *n->list, &n->list));
    TRY(mem_alloc((size_t)v.n + 1, sizeof *n->count, &n->count));
    *out = n;
    n = NULL;
done:
    neighbours_close(&n);
    return e;
}

err neighbours_open_index(const char *path, double min_cosine, neighbours **out) {
    neighbours *n = NULL;
    int32_t number;
    int fresh;
    err e;
    TRY(create(&n));
    TRY(neighbour_index_open(path, &n->file));
    n->min_cosine = min_cosine;
    for (uint32_t i = 0; i < n->file.words; i++) {
        const char *word = neighbour_index_word(&n->file, i);
        TRY(dictionary_add(n->index, word, strlen(word), &number, &fresh));
        ENSURE(fresh, ERR_DATA, "%s: the word \"%.40s\" stands twice", path, word);
    }
    TRY(mem_alloc((size_t)n->file.words + 1, sizeof *n->list, &n->list));
    TRY(mem_alloc((size_t)n->file.words + 1, sizeof *n->count, &n->count));
    *out = n;
    n = NULL;
done:
    neighbours_close(&n);
    return e;
}

err neighbours_open(const char *path, double min_cosine, neighbours **out) {
    if (neighbour_index_is(path))
        return neighbours_open_index(path, min_cosine, out);
    return neighbours_open_json(path, out);
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

/* the list of word i as its file has it, without those of a lower cosine */
static err take_list(neighbours *n, int32_t i) {
    const neighbour_index *x = &n->file;
    uint32_t first = x->first[i], last = x->first[i + 1];
    CALL(arena_alloc(n->memory, (size_t)(last - first) + 1, sizeof *n->list[i], &n->list[i]));
    for (uint32_t k = first; k < last; k++)
        if (!((double)x->pair[k].cosine < n->min_cosine)) /* NaN: the source has no cosines */
            n->list[i][n->count[i]++] = neighbour_index_word(x, x->pair[k].word);
    return OK;
}

err neighbours_of(neighbours *n, const char *word, int max, const char ***candidates, int *count) {
    int32_t i = dictionary_find(n->index, word, strlen(word));
    *count = 0;
    if (i < 0)
        return OK;
    if (!n->list[i])
        CALL(n->file.bytes ? take_list(n, i) : search(n, i));
    *candidates = n->list[i];
    *count = n->count[i] < max ? n->count[i] : max;
    return OK;
}
