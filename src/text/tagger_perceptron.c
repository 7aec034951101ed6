/* an averaged perceptron from its weights in NLTK's JSON layout: the sums of nltk/tag/perceptron.py
 * (M. Honnibal's design) in float64, in the order of its features, ties by the larger name */
#include "base/arena.h"
#include "io/json.h"
#include "text/tagger_features.h"
#include "text/tagger_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 256, CONTEXT = 2, WINDOW = 2 * CONTEXT + 1 };

typedef struct weight {
    double value;
    int64_t class;
} weight;

/* one feature's weights, or the only class of a known word (count < 0: -1 - class); 0: empty */
typedef struct slot {
    uint64_t key;
    int32_t first, count;
} slot;

struct perceptron {
    json_t *file; /* owns the names */
    int K;
    const char *class[MAX_CLASSES]; /* ascending by name */
    const char *penn[MAX_CLASSES], *named[MAX_CLASSES];
    uint16_t universal[MAX_CLASSES];
    uint64_t hash[MAX_CLASSES + 2]; /* of the names, and of the two marks before a text */
    slot *table;
    uint64_t mask; /* slots - 1, a power of two, half as many again as the entries */
    weight *weights;
    int ours; /* features beyond NLTK's are there */
    feature_word outside[4];
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
    {":", "."},      {"-LRB-", "."},  {"-RRB-", "."},
};

static const char *universal_of(const char *penn) {
    for (size_t i = 0; i < sizeof MAP / sizeof *MAP; i++)
        if (strcmp(MAP[i].penn, penn) == 0)
            return MAP[i].universal;
    return "X";
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int class_of(const perceptron *p, const char *name) {
    const char *const *at = bsearch(&name, p->class, (size_t)p->K, sizeof *p->class, by_name);
    return at ? (int)(at - p->class) : -1;
}

/* "tags": class -> [Penn tag, universal tag], for classes that are more than a Penn tag */
static err read_tags(perceptron *p, const char *path) {
    const json_t *tags = json_object_get(p->file, "tags");
    for (int k = 0; k < p->K; k++) {
        p->penn[k] = p->class[k];
        p->named[k] = universal_of(p->class[k]);
        if (tags) {
            const json_t *pair = json_object_get(tags, p->class[k]);
            p->penn[k] = json_string_value(json_array_get(pair, 0));
            p->named[k] = json_string_value(json_array_get(pair, 1));
            CHECK(p->penn[k] && p->named[k], ERR_DATA,
                  "%s: tags: \"%s\": expected a list of two: Penn tag, universal tag", path,
                  p->class[k]);
        }
        p->universal[k] = tag_bit(p->named[k]);
        CHECK(p->universal[k], ERR_DATA, "%s: tags: \"%s\" is not a universal tag", path,
              p->named[k]);
    }
    return OK;
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
        p->hash[i] = feature_hash(p->class[i], strlen(p->class[i]));
    for (int i = 0; i < 2; i++)
        p->hash[p->K + i] = feature_hash(feature_outside(i - 2), strlen(feature_outside(i - 2)));
    return read_tags(p, path);
}

static slot *place(const perceptron *p, uint64_t key) {
    uint64_t i = key & p->mask;
    while (p->table[i].count != 0 && p->table[i].key != key)
        i = (i + 1) & p->mask;
    return &p->table[i];
}

static err take_place(perceptron *p, const char *path, const char *what, uint64_t key, slot s) {
    slot *at = place(p, key);
    CHECK(at->count == 0, ERR_DATA, "%s: \"%s\" has the key of another feature", path, what);
    s.key = key;
    *at = s;
    return OK;
}

static err read_known(perceptron *p, const char *path, json_t *words) {
    const char *word;
    json_t *v;
    json_object_foreach(words, word, v) {
        int k = json_is_string(v) ? class_of(p, json_string_value(v)) : -1;
        CHECK(k >= 0, ERR_DATA, "%s: tagdict: \"%s\" has no tag of the classes", path, word);
        uint64_t key = feature_known(feature_hash(word, strlen(word)));
        CALL(take_place(p, path, word, key, (slot){.count = -1 - k}));
    }
    return OK;
}

static err read_weights(perceptron *p, const char *path, json_t *features) {
    const char *feature, *tag;
    json_t *of, *v;
    int32_t n = 0;
    json_object_foreach(features, feature, of) {
        uint64_t key = 0;
        int kind = feature_read(feature, &key);
        CHECK(kind >= 0, ERR_DATA, "%s: weights: \"%s\" is no feature that is computed here", path,
              feature);
        p->ours |= kind >= FEATURE_NLTK;
        int32_t first = n;
        json_object_foreach(of, tag, v) {
            int k = class_of(p, tag);
            CHECK(k >= 0 && json_is_number(v), ERR_DATA, "%s: weight of \"%s\" for \"%s\"", path,
                  feature, tag);
            p->weights[n++] = (weight){json_number_value(v), k};
        }
        if (n > first)
            CALL(take_place(p, path, feature, key, (slot){.first = first, .count = n - first}));
    }
    return OK;
}

static err read_table(perceptron *p, const char *path) {
    json_t *words = json_object_get(p->file, "tagdict"), *of;
    json_t *features = json_object_get(p->file, "weights");
    const char *feature;
    CHECK(json_is_object(words), ERR_DATA, "%s: expected \"tagdict\": an object", path);
    CHECK(json_is_object(features), ERR_DATA, "%s: expected \"weights\": an object", path);
    size_t entries = json_object_size(words) + json_object_size(features), slots = 16, total = 0;
    json_object_foreach(features, feature, of) {
        total += json_object_size(of);
    }
    CHECK(entries < INT32_MAX / 4 && total < INT32_MAX, ERR_DATA, "%s: %zu features, %zu weights",
          path, entries, total);
    while (slots < entries + entries / 2)
        slots *= 2;
    p->mask = slots - 1;
    CALL(mem_alloc(slots, sizeof *p->table, &p->table));
    CALL(mem_alloc(total + 1, sizeof *p->weights, &p->weights));
    CALL(read_known(p, path, words));
    return read_weights(p, path, features);
}

err perceptron_open(json_t *file, const char *path, perceptron **out) {
    perceptron *p = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *p, &p));
    p->file = json_incref(file);
    TRY(read_classes(p, path));
    TRY(read_table(p, path));
    for (int i = 0; i < 4; i++)
        feature_word_of(feature_outside(i - 2), feature_outside(i - 2), 1, &p->outside[i]);
    json_object_del(p->file, "weights"); /* the names stay, the bulk goes */
    json_object_del(p->file, "tagdict");
    *out = p;
    p = NULL;
done:
    perceptron_close(&p);
    return e;
}

void perceptron_close(perceptron **p) {
    if (!*p)
        return;
    free((*p)->table);
    free((*p)->weights);
    json_decref((*p)->file);
    free(*p);
    *p = NULL;
}

const char *perceptron_class(const perceptron *p, int i) {
    return i >= 0 && i < p->K ? p->penn[i] : "";
}

const char *perceptron_universal(const perceptron *p, int i) {
    return i >= 0 && i < p->K ? p->named[i] : "";
}

/* the highest score; of equals the last, as classes ascend: it has the larger name */
static int last_best(double *score, int n) {
    enum { LANES = 8 }; /* that many maxima side by side */
    double top[LANES], best;
    for (int k = n; k % LANES != 0; k++)
        score[k] = -HUGE_VAL;
    for (int j = 0; j < LANES; j++)
        top[j] = -HUGE_VAL;
    for (int k = 0; k < n; k += LANES)
        for (int j = 0; j < LANES; j++)
            top[j] = score[k + j] > top[j] ? score[k + j] : top[j];
    best = top[0];
    for (int j = 1; j < LANES; j++)
        best = top[j] > best ? top[j] : best;
    int last = n - 1;
    while (last > 0 && score[last] < best)
        last--;
    return last;
}

static int predict(const perceptron *p, const feature_context *c, int prev, int prev2) {
    uint64_t key[FEATURE_COUNT];
    double scores[MAX_CLASSES];
    feature_keys(c, p->hash[prev], p->hash[prev2], p->ours, key);
    int kinds = p->ours ? FEATURE_COUNT : FEATURE_NLTK;
    const slot *at[FEATURE_COUNT];
    for (int f = 0; f < kinds; f++)
        __builtin_prefetch(&p->table[key[f] & p->mask]);
    memset(scores, 0, (size_t)p->K * sizeof *scores);
    for (int f = 0; f < kinds; f++) {
        at[f] = place(p, key[f]);
        __builtin_prefetch(p->weights + at[f]->first);
    }
    for (int f = 0; f < kinds; f++) {
        const weight *w = p->weights + at[f]->first;
        for (int32_t i = 0; i < at[f]->count; i++)
            scores[w[i].class] += w[i].value;
    }
    return last_best(scores, p->K);
}

/* word i of a text, and what stands before or behind it */
static const feature_word *look(const perceptron *p, const char *const *words, int n, int i,
                                feature_word *out) {
    char normal[FEATURE_NORMAL_BYTES];
    if (i < 0 || i >= n)
        return &p->outside[i < 0 ? i + 2 : i - n > 1 ? 3 : i - n + 2];
    feature_word_of(words[i], feature_normal(words[i], normal), p->ours, out);
    return out;
}

err perceptron_tag(const perceptron *p, const char *const *words, int n, uint16_t *tags,
                   int16_t *penn) {
    feature_word ring[WINDOW]; /* word i is at i % WINDOW */
    feature_context c;
    int prev = p->K, prev2 = p->K + 1;
    for (int i = -CONTEXT; i < CONTEXT; i++)
        c.at[i + CONTEXT + 1] = look(p, words, n, i, &ring[(i + WINDOW) % WINDOW]);
    for (int i = 0; i < n; i++) {
        memmove(c.at, c.at + 1, (WINDOW - 1) * sizeof *c.at);
        c.at[WINDOW - 1] = look(p, words, n, i + CONTEXT, &ring[(i + CONTEXT) % WINDOW]);
        const slot *known = place(p, feature_known(c.at[CONTEXT]->written));
        int class = known->count < 0 ? -1 - known->count : predict(p, &c, prev, prev2);
        tags[i] = p->universal[class];
        if (penn)
            penn[i] = (int16_t) class;
        prev2 = prev;
        prev = class;
    }
    return OK;
}
