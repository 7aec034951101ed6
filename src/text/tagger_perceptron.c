/* NLTK's averaged perceptron tagger, from its weights: features and rules as in
 * nltk/tag/perceptron.py (M. Honnibal's design); sums in float64 in the order of the features, ties
 * by the larger name */
#include "base/arena.h"
#include "io/json.h"
#include "text/tagger_source.h"
#include "text/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 64, CONTEXT = 2, KEY_BYTES = 1024, WORD_KEPT = 160 };

typedef struct weight {
    int32_t class;
    double value;
} weight;

struct perceptron {
    json_t *file; /* owns the class names */
    int K;
    const char *class[MAX_CLASSES]; /* ascending by name */
    uint16_t universal[MAX_CLASSES];
    dictionary *known; /* words with one tag */
    int32_t *known_class;
    dictionary *features;
    int64_t *first; /* (features + 1) into weights */
    weight *weights;
};

/* Penn tags to universal ones (Petrov et al., 2012); tags not named here are X */
static const struct {
    const char *penn, *universal;
} MAP[] = {
    {"NN", "NOUN"},  {"NNS", "NOUN"}, {"NNP", "NOUN"}, {"NNPS", "NOUN"}, {"VB", "VERB"},
    {"VBD", "VERB"}, {"VBG", "VERB"}, {"VBN", "VERB"}, {"VBP", "VERB"},  {"VBZ", "VERB"},
    {"MD", "VERB"},  {"JJ", "ADJ"},   {"JJR", "ADJ"},  {"JJS", "ADJ"},   {"RB", "ADV"},
    {"RBR", "ADV"},  {"RBS", "ADV"},  {"WRB", "ADV"},  {"PRP", "PRON"},  {"PRP$", "PRON"},
    {"WP", "PRON"},  {"WP$", "PRON"}, {"DT", "DET"},   {"EX", "DET"},    {"PDT", "DET"},
    {"WDT", "DET"},  {"IN", "ADP"},   {"CD", "NUM"},   {"CC", "CONJ"},   {"POS", "PRT"},
    {"RP", "PRT"},   {"TO", "PRT"},   {"#", "."},      {"$", "."},       {"''", "."},
    {"``", "."},     {"(", "."},      {")", "."},      {",", "."},       {".", "."},
    {":", "."},
};

static uint16_t universal_of(const char *penn) {
    for (size_t i = 0; i < sizeof MAP / sizeof *MAP; i++)
        if (strcmp(MAP[i].penn, penn) == 0)
            return tag_bit(MAP[i].universal);
    return TAG_X;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int class_of(const perceptron *p, const char *name) {
    for (int k = 0; k < p->K; k++)
        if (strcmp(p->class[k], name) == 0)
            return k;
    return -1;
}

static err read_classes(perceptron *p, const char *path) {
    const json_t *list = json_object_get(p->file, "classes"), *v;
    size_t k;
    CHECK(json_is_array(list) && json_array_size(list) > 0 && json_array_size(list) <= MAX_CLASSES,
          ERR_DATA, "%s: expected \"classes\": a list of 1 to %d tags", path, (int)MAX_CLASSES);
    json_array_foreach(list, k, v) {
        CHECK(json_is_string(v), ERR_DATA, "%s: class %zu is not a text", path, k);
        p->class[p->K++] = json_string_value(v);
    }
    qsort(p->class, (size_t)p->K, sizeof *p->class, by_name);
    for (int i = 0; i < p->K; i++)
        p->universal[i] = universal_of(p->class[i]);
    return OK;
}

static err read_known(perceptron *p, const char *path) {
    json_t *words = json_object_get(p->file, "tagdict"), *v;
    const char *word;
    CHECK(json_is_object(words), ERR_DATA, "%s: expected \"tagdict\": an object", path);
    CALL(dictionary_create(&p->known));
    CALL(mem_alloc(json_object_size(words) + 1, sizeof *p->known_class, &p->known_class));
    json_object_foreach(words, word, v) {
        int32_t i;
        int fresh, k = json_is_string(v) ? class_of(p, json_string_value(v)) : -1;
        CHECK(k >= 0, ERR_DATA, "%s: tagdict: \"%s\" has no tag of the classes", path, word);
        CALL(dictionary_add(p->known, word, strlen(word), &i, &fresh));
        p->known_class[i] = k;
    }
    return OK;
}

static err read_weights(perceptron *p, const char *path) {
    json_t *features = json_object_get(p->file, "weights"), *of, *v;
    const char *feature, *tag;
    size_t total = 0;
    CHECK(json_is_object(features), ERR_DATA, "%s: expected \"weights\": an object", path);
    json_object_foreach(features, feature, of) {
        total += json_object_size(of);
    }
    CALL(dictionary_create(&p->features));
    CALL(mem_alloc(json_object_size(features) + 2, sizeof *p->first, &p->first));
    CALL(mem_alloc(total + 1, sizeof *p->weights, &p->weights));
    int64_t n = 0;
    json_object_foreach(features, feature, of) {
        int32_t i;
        int fresh;
        CALL(dictionary_add(p->features, feature, strlen(feature), &i, &fresh));
        p->first[i] = n;
        json_object_foreach(of, tag, v) {
            int k = class_of(p, tag);
            CHECK(k >= 0 && json_is_number(v), ERR_DATA, "%s: weight of \"%s\" for \"%s\"", path,
                  feature, tag);
            p->weights[n++] = (weight){k, json_number_value(v)};
        }
        p->first[i + 1] = n;
    }
    return OK;
}

err perceptron_open(const char *path, perceptron **out) {
    perceptron *p = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *p, &p));
    TRY(json_read(path, &p->file));
    TRY(read_classes(p, path));
    TRY(read_known(p, path));
    TRY(read_weights(p, path));
    *out = p;
    p = NULL;
done:
    perceptron_close(&p);
    return e;
}

void perceptron_close(perceptron **p) {
    if (!*p)
        return;
    dictionary_destroy(&(*p)->known);
    dictionary_destroy(&(*p)->features);
    free((*p)->known_class);
    free((*p)->first);
    free((*p)->weights);
    json_decref((*p)->file);
    free(*p);
    *p = NULL;
}

const char *perceptron_class(const perceptron *p, int i) {
    return i >= 0 && i < p->K ? p->class[i] : "";
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* !HYPHEN, !YEAR, !DIGITS, or the word in lower case */
static void normalise(const char *word, char out[WORD_KEPT]) {
    size_t n = strlen(word);
    if (strchr(word, '-') && word[0] != '-') {
        snprintf(out, WORD_KEPT, "!HYPHEN");
    } else if (n == 4 && strspn(word, "0123456789") == 4) {
        snprintf(out, WORD_KEPT, "!YEAR");
    } else if (is_digit(word[0])) {
        snprintf(out, WORD_KEPT, "!DIGITS");
    } else {
        word_lower(out, WORD_KEPT, word);
    }
}

/* the last three characters (not bytes) */
static const char *suffix(const char *word) {
    const char *p = word + strlen(word);
    for (int k = 0; k < 3 && p > word; k++)
        do
            p--;
        while (p > word && ((unsigned char)*p & 0xc0) == 0x80);
    return p;
}

static int first_character(const char *word) {
    int n = word[0] != '\0';
    while (n && ((unsigned char)word[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static void score(const perceptron *p, const char *key, double *scores) {
    int32_t f = dictionary_find(p->features, key, strlen(key));
    if (f < 0)
        return;
    for (int64_t i = p->first[f]; i < p->first[f + 1]; i++)
        scores[p->weights[i].class] += p->weights[i].value;
}

/* context: normalised words i - 2 … i + 2 */
static int predict(const perceptron *p, const char *word, char (*context)[WORD_KEPT],
                   const char *prev, const char *prev2) {
    char key[KEY_BYTES];
    double scores[MAX_CLASSES] = {0};
    const char *here = context[CONTEXT];
#define FEATURE(...)                                                                               \
    snprintf(key, sizeof key, __VA_ARGS__);                                                        \
    score(p, key, scores)
    FEATURE("bias");
    FEATURE("i suffix %s", suffix(word));
    FEATURE("i pref1 %.*s", first_character(word), word);
    FEATURE("i-1 tag %s", prev);
    FEATURE("i-2 tag %s", prev2);
    FEATURE("i tag+i-2 tag %s %s", prev, prev2);
    FEATURE("i word %s", here);
    FEATURE("i-1 tag+i word %s %s", prev, here);
    FEATURE("i-1 word %s", context[CONTEXT - 1]);
    FEATURE("i-1 suffix %s", suffix(context[CONTEXT - 1]));
    FEATURE("i-2 word %s", context[CONTEXT - 2]);
    FEATURE("i+1 word %s", context[CONTEXT + 1]);
    FEATURE("i+1 suffix %s", suffix(context[CONTEXT + 1]));
    FEATURE("i+2 word %s", context[CONTEXT + 2]);
#undef FEATURE
    int best = 0;
    for (int k = 1; k < p->K; k++)
        if (scores[k] >= scores[best]) /* classes ascend: an equal later one has the larger name */
            best = k;
    return best;
}

static void context_word(const char *const *words, int n, int i, char out[WORD_KEPT]) {
    static const char *const before[] = {"-START-", "-START2-"}, *const after[] = {"-END-",
                                                                                   "-END2-"};
    if (i < 0)
        snprintf(out, WORD_KEPT, "%s", before[i + 2 < 0 ? 0 : i + 2]);
    else if (i >= n)
        snprintf(out, WORD_KEPT, "%s", after[i - n > 1 ? 1 : i - n]);
    else
        normalise(words[i], out);
}

err perceptron_tag(const perceptron *p, const char *const *words, int n, uint16_t *tags,
                   int16_t *penn) {
    char context[2 * CONTEXT + 1][WORD_KEPT];
    const char *prev = "-START-", *prev2 = "-START2-";
    for (int i = 0; i < n; i++) {
        int32_t k = dictionary_find(p->known, words[i], strlen(words[i]));
        int class = k >= 0 ? p->known_class[k] : -1;
        if (class < 0) {
            for (int j = 0; j <= 2 * CONTEXT; j++)
                context_word(words, n, i + j - CONTEXT, context[j]);
            class = predict(p, words[i], context, prev, prev2);
        }
        tags[i] = p->universal[class];
        if (penn)
            penn[i] = (int16_t) class;
        prev2 = prev;
        prev = p->class[class];
    }
    return OK;
}
