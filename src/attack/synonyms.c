#include "attack/synonyms.h"

#include "attack/neighbour_index.h"
#include "attack/wordnet_synonyms.h"
#include "base/strbuf.h"
#include "io/json.h"
#include "io/lines.h"
#include "text/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct synonyms {
    dictionary *words;
    nearest_one **list; /* (cap) */
    int32_t *count, *room;
    int32_t cap;
    dictionary *excluded; /* "hot cold" */
    strbuf pair;
    arena *scratch;
    synonyms_counts dropped;
};

enum { WORD_BYTES = 256 };

err synonyms_create(synonyms **out) {
    synonyms *s = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    TRY(dictionary_create(&s->words));
    TRY(dictionary_create(&s->excluded));
    TRY(arena_create(1 << 14, &s->scratch));
    *out = s;
    s = NULL;
done:
    synonyms_destroy(&s);
    return e;
}

void synonyms_destroy(synonyms **s) {
    if (!*s)
        return;
    for (int32_t i = 0; i < (*s)->cap; i++)
        free((*s)->list[i]);
    free((*s)->list);
    free((*s)->count);
    free((*s)->room);
    dictionary_destroy(&(*s)->words);
    dictionary_destroy(&(*s)->excluded);
    strbuf_free(&(*s)->pair);
    arena_destroy(&(*s)->scratch);
    free(*s);
    *s = NULL;
}

static err grow(synonyms *s) {
    int32_t cap = s->cap ? 2 * s->cap : 1024;
    CALL(mem_resize((size_t)cap, sizeof *s->list, &s->list));
    CALL(mem_resize((size_t)cap, sizeof *s->count, &s->count));
    CALL(mem_resize((size_t)cap, sizeof *s->room, &s->room));
    for (int32_t i = s->cap; i < cap; i++) {
        s->list[i] = NULL;
        s->count[i] = s->room[i] = 0;
    }
    s->cap = cap;
    return OK;
}

/* the number of a word, in lower case */
static err word_number(synonyms *s, const char *word, int32_t *number) {
    char lower[WORD_BYTES];
    int fresh;
    word_lower(lower, sizeof lower, word);
    CALL(dictionary_add(s->words, lower, strlen(lower), number, &fresh));
    return *number >= s->cap ? grow(s) : OK;
}

static err is_excluded(synonyms *s, int32_t a, int32_t b, int *yes) {
    strbuf_clear(&s->pair);
    CALL(
        strbuf_printf(&s->pair, "%s %s", dictionary_key(s->words, a), dictionary_key(s->words, b)));
    *yes = dictionary_find(s->excluded, s->pair.text, s->pair.len) >= 0;
    return OK;
}

/* b goes to the end of a's list */
static err add(synonyms *s, int32_t a, int32_t b, float cosine) {
    int yes = 0;
    if (a == b) {
        s->dropped.own++;
        return OK;
    }
    for (int32_t k = 0; k < s->count[a]; k++)
        if (s->list[a][k].word == (uint32_t)b) {
            s->dropped.repeated++;
            return OK;
        }
    if (dictionary_count(s->excluded) > 0)
        CALL(is_excluded(s, a, b, &yes));
    if (yes) {
        s->dropped.excluded++;
        return OK;
    }
    if (s->count[a] == s->room[a]) {
        int32_t room = s->room[a] ? 2 * s->room[a] : 8;
        CALL(mem_resize((size_t)room, sizeof *s->list[a], &s->list[a]));
        s->room[a] = room;
    }
    s->list[a][s->count[a]++] = (nearest_one){(uint32_t)b, cosine};
    return OK;
}

/* each line's two words, by white space */
static err each_pair(synonyms *s, const char *path,
                     err (*fn)(synonyms *, const char *, const char *)) {
    lines in;
    CALL(lines_read(path, &in));
    err e = OK;
    for (int i = 0; i < in.n; i++) {
        char *state, *word[3] = {NULL};
        int n = 0;
        for (char *w = strtok_r(in.line[i], " \t", &state); w; w = strtok_r(NULL, " \t", &state))
            word[n < 2 ? n : 2] = w, n++;
        ENSURE(n == 2, ERR_DATA, "%s:%d: expected two words, got %d", path, i + 1, n);
        for (int k = 0; k < 2; k++)
            ENSURE(strlen(word[k]) < WORD_BYTES, ERR_DATA, "%s:%d: word %d has %zu bytes", path,
                   i + 1, k + 1, strlen(word[k]));
        TRY(fn(s, word[0], word[1]));
    }
done:
    lines_free(&in);
    return e;
}

static err exclude_pair(synonyms *s, const char *a, const char *b) {
    const char *pair[] = {a, b};
    for (int k = 0; k < 2; k++) {
        char x[WORD_BYTES], y[WORD_BYTES];
        int32_t number;
        int fresh;
        word_lower(x, sizeof x, pair[k]);
        word_lower(y, sizeof y, pair[1 - k]);
        strbuf_clear(&s->pair);
        CALL(strbuf_printf(&s->pair, "%s %s", x, y));
        CALL(dictionary_add(s->excluded, s->pair.text, s->pair.len, &number, &fresh));
    }
    return OK;
}

err synonyms_exclude(synonyms *s, const char *path) {
    return each_pair(s, path, exclude_pair);
}

err synonyms_add_vectors(synonyms *s, const word_vectors *v, const nearest_one *near,
                         const int32_t *count, int top) {
    int32_t *number = NULL;
    err e;
    TRY(mem_alloc((size_t)v->n, sizeof *number, &number));
    for (int32_t i = 0; i < v->n; i++)
        TRY(word_number(s, dictionary_key(v->index, i), &number[i]));
    for (int32_t i = 0; i < v->n; i++)
        for (int32_t k = 0; k < count[i]; k++) {
            nearest_one x = near[(size_t)i * (size_t)top + (size_t)k];
            TRY(add(s, number[i], number[x.word], x.cosine));
        }
done:
    free(number);
    return e;
}

/* one entry of a JSON file */
static err add_list(synonyms *s, const char *path, const char *word, const json_t *list) {
    int32_t a, b;
    const json_t *v;
    size_t k;
    CHECK(json_is_array(list), ERR_DATA, "%s: \"%s\": expected a list of words", path, word);
    CHECK(*word && strlen(word) < WORD_BYTES, ERR_DATA, "%s: \"%.40s\" is not a word", path, word);
    CALL(word_number(s, word, &a));
    json_array_foreach(list, k, v) {
        const char *near = json_string_value(v);
        CHECK(near && *near && strlen(near) < WORD_BYTES, ERR_DATA,
              "%s: \"%s\": neighbour %zu is not a word", path, word, k);
        CALL(word_number(s, near, &b));
        CALL(add(s, a, b, NAN));
    }
    return OK;
}

err synonyms_add_json(synonyms *s, const char *path) {
    json_t *file = NULL, *list;
    const char *word;
    err e;
    TRY(json_read(path, &file));
    ENSURE(json_is_object(file), ERR_DATA, "%s:1: expected an object: word -> list of words", path);
    json_object_foreach(file, word, list) {
        TRY(add_list(s, path, word, list));
    }
done:
    json_decref(file);
    return e;
}

static err add_both_ways(synonyms *s, const char *x, const char *y) {
    int32_t a, b;
    CALL(word_number(s, x, &a));
    CALL(word_number(s, y, &b));
    CALL(add(s, a, b, NAN));
    return a == b ? OK : add(s, b, a, NAN);
}

err synonyms_add_pairs(synonyms *s, const char *path) {
    return each_pair(s, path, add_both_ways);
}

static err add_senses(synonyms *s, const wordnet_synonyms *w, int32_t a) {
    arena_mark mark = arena_here(s->scratch);
    const char **list;
    int n;
    int32_t b;
    CALL(wordnet_synonyms_of(w, s->scratch, dictionary_key(s->words, a), UINT16_MAX, &list, &n));
    for (int k = 0; k < n; k++) {
        CALL(word_number(s, list[k], &b));
        CALL(add(s, a, b, NAN));
    }
    arena_release(s->scratch, mark);
    return OK;
}

err synonyms_add_wordnet(synonyms *s, const char *folder) {
    wordnet_synonyms *w = NULL;
    int32_t number;
    err e;
    TRY(wordnet_synonyms_open(folder, &w));
    const char *lemma;
    int first = dictionary_count(s->words) == 0;
    for (int64_t i = 0; first && (lemma = wordnet_synonyms_lemma(w, i)); i++)
        if (!strchr(lemma, '_') && strlen(lemma) < WORD_BYTES)
            TRY(word_number(s, lemma, &number));
    int32_t n = dictionary_count(s->words); /* those of the sources before */
    for (int32_t i = 0; i < n; i++)
        TRY(add_senses(s, w, i));
done:
    wordnet_synonyms_close(&w);
    return e;
}

void synonyms_count(const synonyms *s, synonyms_counts *out) {
    *out = s->dropped;
    out->words = dictionary_count(s->words);
    for (int32_t i = 0; i < out->words; i++) {
        out->with += s->count[i] > 0;
        out->pairs += s->count[i];
    }
}

err synonyms_write(const synonyms *s, const char *provenance, const char *path) {
    neighbour_lists l = {s->words, s->count, s->list};
    return neighbour_index_write(path, &l, provenance);
}
