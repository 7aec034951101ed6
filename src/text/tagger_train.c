#include "text/tagger_train.h"

#include "base/arena.h"
#include "base/rng.h"
#include "io/atomic_file.h"
#include "io/dictionary.h"
#include "io/hash.h"
#include "io/json.h"
#include "par/preempt.h"
#include "text/tagger_features.h"
#include "text/tagger_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CLASSES = 256,
    KNOWN_TIMES = 20,   /* a known word is seen so often, */
    KNOWN_PERCENT = 97, /* and of 100 times so often with one tag (NLTK's rule) */
    LEAST = 100,        /* thousandths: smaller weights change no tag and are left out */
};

/* weight of one class for a feature: value since the step `since`, total of all steps before */
typedef struct weight {
    int32_t class, value;
    int64_t since, total;
} weight;

typedef struct feature {
    const char *text; /* in memory */
    weight *w;        /* (cap) */
    int16_t n, cap;
} feature;

typedef struct slot {
    uint64_t key;
    int32_t number; /* of a feature + 1, 0: empty */
} slot;

typedef struct trainer {
    const tagged_text *t;
    arena *memory;
    int K;
    const char *class[MAX_CLASSES]; /* "NN/NOUN", ascending: ties are broken as the tagger does */
    const char *penn[MAX_CLASSES], *universal[MAX_CLASSES];
    uint64_t hash[MAX_CLASSES + 2]; /* of the names, and of the two marks before a text */
    int *gold;                      /* (words) class */
    dictionary *forms;
    int *form;           /* (words) */
    int *known;          /* (forms) class, -1: asked about */
    const char **normal; /* (forms) */
    feature_word *look;  /* (forms) */
    feature_word outside[4];
    feature *features; /* (cap) */
    int32_t n_features;
    size_t cap;
    slot *table;
    uint64_t mask; /* slots - 1 */
    int64_t step;
} trainer;

static void trainer_free(trainer *r) {
    arena_destroy(&r->memory);
    dictionary_destroy(&r->forms);
    for (int32_t i = 0; i < r->n_features; i++)
        free(r->features[i].w);
    free(r->gold);
    free(r->form);
    free(r->known);
    free(r->normal);
    free(r->look);
    free(r->features);
    free(r->table);
}

/* --- what is trained on ------------------------------------------------------------------------
 */

static err copy(trainer *r, const char *text, size_t n, const char **out) {
    char *to;
    CALL(arena_alloc(r->memory, n + 1, 1, &to));
    memcpy(to, text, n);
    to[n] = '\0';
    *out = to;
    return OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int class_of(const trainer *r, const char *name) {
    const char *const *at = bsearch(&name, r->class, (size_t)r->K, sizeof *r->class, by_name);
    return at ? (int)(at - r->class) : -1;
}

static err name_of(const trainer *r, int word, strbuf *name) {
    strbuf_clear(name);
    return strbuf_printf(name, "%s/%s", r->t->penn[word], r->t->universal[word]);
}

static err read_classes(trainer *r, strbuf *name) {
    for (int i = 0; i < r->t->words; i++) {
        CALL(name_of(r, i, name));
        if (class_of(r, name->text) >= 0)
            continue;
        CHECK(r->K < MAX_CLASSES, ERR_DATA, "%s: more than %d pairs of Penn and universal tags",
              r->t->in.path, (int)MAX_CLASSES);
        CALL(copy(r, name->text, name->len, &r->class[r->K++]));
        qsort(r->class, (size_t)r->K, sizeof *r->class, by_name);
    }
    for (int i = 0; i < r->t->words; i++) {
        CALL(name_of(r, i, name));
        int k = r->gold[i] = class_of(r, name->text);
        r->penn[k] = r->t->penn[i];
        r->universal[k] = r->t->universal[i];
    }
    for (int k = 0; k < r->K; k++)
        r->hash[k] = feature_hash(r->class[k], strlen(r->class[k]));
    for (int i = 0; i < 2; i++)
        r->hash[r->K + i] = feature_hash(feature_outside(i - 2), strlen(feature_outside(i - 2)));
    return OK;
}

static err read_forms(trainer *r) {
    int fresh;
    char normal[FEATURE_NORMAL_BYTES];
    for (int i = 0; i < r->t->words; i++)
        CALL(dictionary_add(r->forms, r->t->word[i], strlen(r->t->word[i]), &r->form[i], &fresh));
    size_t n = (size_t)dictionary_count(r->forms);
    CALL(mem_alloc(n, sizeof *r->known, &r->known));
    CALL(mem_alloc(n, sizeof *r->normal, &r->normal));
    CALL(mem_alloc(n, sizeof *r->look, &r->look));
    for (size_t f = 0; f < n; f++) {
        const char *written = dictionary_key(r->forms, (int32_t)f);
        const char *text = feature_normal(written, normal);
        CALL(copy(r, text, strlen(text), &r->normal[f]));
        feature_word_of(written, text, 1, &r->look[f]);
    }
    for (int i = 0; i < 4; i++)
        feature_word_of(feature_outside(i - 2), feature_outside(i - 2), 1, &r->outside[i]);
    return OK;
}

/* words that are seen often and hardly ever with another tag */
static err find_known(trainer *r) {
    int n = dictionary_count(r->forms), (*times)[MAX_CLASSES];
    CALL(mem_alloc((size_t)n, sizeof *times, &times));
    for (int i = 0; i < r->t->words; i++)
        times[r->form[i]][r->gold[i]]++;
    for (int f = 0; f < n; f++) {
        int all = 0, best = 0;
        for (int k = 0; k < r->K; k++) {
            all += times[f][k];
            best = times[f][k] > times[f][best] ? k : best;
        }
        int sure =
            all >= KNOWN_TIMES && 100 * (int64_t)times[f][best] >= KNOWN_PERCENT * (int64_t)all;
        r->known[f] = sure ? best : -1;
    }
    free(times);
    return OK;
}

static err trainer_open(trainer *r, const tagged_text *t) {
    strbuf name = {0};
    size_t words = (size_t)t->words;
    r->t = t;
    r->mask = (1 << 16) - 1;
    err e;
    TRY(arena_create(1 << 16, &r->memory));
    TRY(dictionary_create(&r->forms));
    TRY(mem_alloc(words, sizeof *r->gold, &r->gold));
    TRY(mem_alloc(words, sizeof *r->form, &r->form));
    TRY(mem_alloc(r->mask + 1, sizeof *r->table, &r->table));
    TRY(read_classes(r, &name));
    TRY(read_forms(r));
    TRY(find_known(r));
done:
    strbuf_free(&name);
    return e;
}

/* --- features and their weights ----------------------------------------------------------------
 */

static uint64_t place(const trainer *r, uint64_t key) {
    uint64_t i = key & r->mask;
    while (r->table[i].number && r->table[i].key != key)
        i = (i + 1) & r->mask;
    return i;
}

static err grow_table(trainer *r) {
    slot *old = r->table;
    uint64_t slots = r->mask + 1;
    CALL(mem_alloc(2 * slots, sizeof *r->table, &r->table));
    r->mask = 2 * slots - 1;
    for (uint64_t i = 0; i < slots; i++)
        if (old[i].number)
            r->table[place(r, old[i].key)] = old[i];
    free(old);
    return OK;
}

/* a feature that is seen for the first time */
static err new_feature(trainer *r, uint64_t key, feature_kind kind, const feature_texts *texts,
                       int32_t *number) {
    strbuf text = {0};
    CALL(mem_grow((size_t)r->n_features + 1, sizeof *r->features, &r->features, &r->cap));
    if (2 * (uint64_t)r->n_features >= r->mask)
        CALL(grow_table(r));
    feature *f = &r->features[r->n_features];
    *f = (feature){0};
    err e = feature_write(kind, texts, &text);
    if (e == OK)
        e = copy(r, text.text, text.len, &f->text);
    strbuf_free(&text);
    CALL(e);
    *number = r->n_features++;
    r->table[place(r, key)] = (slot){key, *number + 1};
    return OK;
}

/* the weight of class becomes larger by `by`; what it was until now goes into its total */
static err add_weight(trainer *r, feature *f, int class, int by) {
    int i = 0;
    while (i < f->n && f->w[i].class != class)
        i++;
    if (i == f->n) {
        if (f->n == f->cap) {
            int16_t cap = (int16_t)(f->cap ? 2 * f->cap : 2);
            CALL(mem_resize((size_t)cap, sizeof *f->w, &f->w));
            f->cap = cap;
        }
        f->w[f->n++] = (weight){.class = class, .since = r->step};
    }
    weight *w = &f->w[i];
    w->total += (r->step - w->since) * w->value;
    w->since = r->step;
    w->value += by;
    return OK;
}

/* --- learning ----------------------------------------------------------------------------------
 */

/* word i of the text in its sentence, and the classes given to the two words before */
typedef struct spot {
    feature_context c;
    int at[5]; /* the five words' numbers in the text; below 0: feature_outside of at + 3 … */
    int word, prev, prev2;
} spot;

enum { OUTSIDE = -8 }; /* at[] of what stands outside a sentence: OUTSIDE + its place */

static void look_around(const trainer *r, int first, int last, spot *s) {
    for (int k = 0; k < 5; k++) {
        int i = s->word + k - 2;
        int place = i < first ? i - first : i >= last ? i - last : 0;
        s->at[k] = i < first || i >= last ? OUTSIDE + place : i;
        s->c.at[k] = s->at[k] < 0 ? &r->outside[place + 2] : &r->look[r->form[i]];
    }
}

static void texts_of(const trainer *r, const spot *s, feature_texts *t) {
    for (int k = 0; k < 5; k++) {
        int i = s->at[k];
        t->written[k] = i < 0 ? feature_outside(i - OUTSIDE) : r->t->word[i];
        t->normal[k] = i < 0 ? feature_outside(i - OUTSIDE) : r->normal[r->form[i]];
    }
    t->tag_1 = s->prev < r->K ? r->class[s->prev] : feature_outside(s->prev - r->K - 2);
    t->tag_2 = s->prev2 < r->K ? r->class[s->prev2] : feature_outside(s->prev2 - r->K - 2);
}

static int guess(const trainer *r, const uint64_t key[FEATURE_COUNT]) {
    int64_t score[MAX_CLASSES] = {0};
    for (int k = 0; k < FEATURE_COUNT; k++) {
        int32_t number = r->table[place(r, key[k])].number;
        const feature *f = number ? &r->features[number - 1] : NULL;
        for (int i = 0; f && i < f->n; i++)
            score[f->w[i].class] += f->w[i].value;
    }
    int best = 0;
    for (int k = 1; k < r->K; k++)
        best = score[k] >= score[best] ? k : best;
    return best;
}

static err correct(trainer *r, const spot *s, const uint64_t key[FEATURE_COUNT], int guessed) {
    feature_texts texts;
    texts_of(r, s, &texts);
    for (int k = 0; k < FEATURE_COUNT; k++) {
        int32_t number = r->table[place(r, key[k])].number - 1;
        if (number < 0)
            CALL(new_feature(r, key[k], (feature_kind)k, &texts, &number));
        CALL(add_weight(r, &r->features[number], r->gold[s->word], 1));
        CALL(add_weight(r, &r->features[number], guessed, -1));
    }
    return OK;
}

static err learn_sentence(trainer *r, int sentence) {
    int first = r->t->first[sentence], last = r->t->first[sentence + 1];
    uint64_t key[FEATURE_COUNT];
    spot s = {.prev = r->K, .prev2 = r->K + 1};
    for (s.word = first; s.word < last; s.word++) {
        int class = r->known[r->form[s.word]];
        if (class < 0) {
            look_around(r, first, last, &s);
            feature_keys(&s.c, r->hash[s.prev], r->hash[s.prev2], 1, key);
            class = guess(r, key);
            r->step++;
            if (class != r->gold[s.word])
                CALL(correct(r, &s, key, class));
        }
        s.prev2 = s.prev;
        s.prev = class;
    }
    return OK;
}

static err learn(trainer *r, const tagger_plan *plan) {
    int32_t *order = NULL;
    CALL(mem_alloc((size_t)r->t->sentences, sizeof *order, &order));
    err e = OK;
    for (int epoch = 0; epoch < plan->epochs && e == OK; epoch++) {
        rng_stream random = rng_open(plan->seed, RNG_SHUFFLE, (uint32_t)epoch, 0);
        for (int32_t i = 0; i < r->t->sentences; i++)
            order[i] = i;
        rng_shuffle(&random, order, r->t->sentences);
        if (preempt_asked())
            e = preempt_raise();
        for (int i = 0; i < r->t->sentences && e == OK; i++)
            e = learn_sentence(r, order[i]);
    }
    free(order);
    return e;
}

/* --- the file ----------------------------------------------------------------------------------
 */

static err write_text(FILE *f, const char *text) {
    json_t *j = json_string(text);
    char *quoted = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;
    json_decref(j);
    CHECK(quoted, ERR_FAILED, "out of memory, or text that is not UTF-8");
    fputs(quoted, f);
    free(quoted);
    return OK;
}

static err write_classes(const trainer *r, FILE *f) {
    for (int pairs = 0; pairs < 2; pairs++) {
        fputs(pairs ? "},\n\"classes\": [" : "\"tags\": {", f);
        for (int k = 0; k < r->K; k++) {
            fputs(k ? ", " : "", f);
            CALL(write_text(f, r->class[k]));
            if (pairs)
                continue;
            fputs(": [", f);
            CALL(write_text(f, r->penn[k]));
            fputs(", ", f);
            CALL(write_text(f, r->universal[k]));
            fputs("]", f);
        }
    }
    fputs("],\n\"tagdict\": {", f);
    return OK;
}

static err write_known(const trainer *r, FILE *f, tagger_trained *out) {
    int n = dictionary_count(r->forms);
    for (int i = 0; i < n; i++) {
        if (r->known[i] < 0)
            continue;
        fputs(out->known++ ? ", " : "", f);
        CALL(write_text(f, dictionary_key(r->forms, i)));
        fputs(": ", f);
        CALL(write_text(f, r->class[r->known[i]]));
    }
    fputs("},\n\"weights\": {", f);
    return OK;
}

/* thousandths of the mean over all steps */
static err write_weights(trainer *r, FILE *f, tagger_trained *out) {
    for (int32_t i = 0; i < r->n_features; i++) {
        feature *x = &r->features[i];
        int written = 0;
        for (int k = 0; k < x->n; k++) {
            weight *w = &x->w[k];
            w->total += (r->step - w->since) * w->value;
            double mean = (double)w->total / (double)r->step;
            long thousandths = lround(1000.0 * mean);
            w->since = r->step;
            if (labs(thousandths) < LEAST)
                continue;
            if (!written++) {
                fputs(out->features++ ? ",\n" : "\n", f);
                CALL(write_text(f, x->text));
            }
            fputs(written > 1 ? ", " : ": {", f);
            CALL(write_text(f, r->class[w->class]));
            fprintf(f, ": %s%ld.%03ld", thousandths < 0 ? "-" : "", labs(thousandths) / 1000,
                    labs(thousandths) % 1000);
            out->weights++;
        }
        if (written)
            fputs("}", f);
    }
    fputs("\n}}\n", f);
    return OK;
}

/* all of the file behind its provenance, as text: the caller frees it */
static err body(trainer *r, tagger_trained *out, char **text, size_t *n) {
    FILE *f = open_memstream(text, n);
    CHECK(f, ERR_FAILED, "out of memory");
    *out = (tagger_trained){.classes = r->K};
    err e = write_classes(r, f);
    if (e == OK)
        e = write_known(r, f, out);
    if (e == OK)
        e = write_weights(r, f, out);
    int bad = ferror(f);
    bad |= fclose(f) != 0;
    CHECK(e != OK || !bad, ERR_FAILED, "out of memory: weights as text");
    return e;
}

static err described(const char *name, const tagged_text *t, json_t **out) {
    char hex[65];
    CALL(hash_file(t->in.path, hex, NULL));
    *out = json_pack("{s:s, s:s, s:i, s:i}", "file", path_name(t->in.path), "sha256", hex, "words",
                     t->words, "sentences", t->sentences);
    CHECK(*out, ERR_FAILED, "out of memory: provenance of %s", name);
    return OK;
}

static err compare(const tagger *g, const tagged_text *t, tagger_score *out) {
    uint16_t *tags = NULL;
    int16_t *penn = NULL;
    err e;
    *out = (tagger_score){.words = t->words};
    TRY(mem_alloc((size_t)t->words, sizeof *tags, &tags));
    TRY(mem_alloc((size_t)t->words, sizeof *penn, &penn));
    for (int s = 0; s < t->sentences; s++) {
        int first = t->first[s];
        TRY(tagger_tag(g, t->word + first, t->first[s + 1] - first, tags + first, penn + first));
    }
    for (int i = 0; i < t->words; i++) {
        out->penn += strcmp(tagger_penn_name(g, penn[i]), t->penn[i]) == 0;
        out->universal += strcmp(tagger_universal_name(g, penn[i]), t->universal[i]) == 0;
        out->bits += tags[i] == tag_bit(t->universal[i]);
    }
done:
    free(tags);
    free(penn);
    return e;
}

/* how well the weights in text do on dev */
static err examine(const char *text, const tagged_text *dev, tagger_score *score) {
    strbuf whole = {0};
    tagger *g = NULL;
    err e;
    TRY(strbuf_printf(&whole, "{%s", text));
    TRY(tagger_open_text(whole.text, "the new weights", &g));
    TRY(compare(g, dev, score));
done:
    tagger_close(&g);
    strbuf_free(&whole);
    return e;
}

static err provenance(const tagged_text *t, const tagger_plan *plan, const tagged_text *dev,
                      const tagger_score *score, char **text) {
    json_t *trained = NULL, *examined = NULL, *all = NULL;
    err e;
    TRY(described("training text", t, &trained));
    all = json_pack("{s:s, s:i, s:I, s:O}", "made_by", plan->made_by, "epochs", plan->epochs,
                    "seed", (json_int_t)plan->seed, "trained_on", trained);
    ENSURE(all, ERR_FAILED, "out of memory: provenance");
    if (dev) {
        TRY(described("examined text", dev, &examined));
        json_object_set_new(examined, "penn_right", json_integer(score->penn));
        json_object_set_new(examined, "universal_right", json_integer(score->universal));
        json_object_set_new(examined, "twelve_right", json_integer(score->bits));
        json_object_set(all, "examined_on", examined);
    }
    *text = json_dumps(all, JSON_SORT_KEYS);
    ENSURE(*text, ERR_FAILED, "out of memory: provenance");
done:
    json_decref(trained);
    json_decref(examined);
    json_decref(all);
    return e;
}

err tagger_train(const tagged_text *t, const tagger_plan *plan, const tagged_text *dev,
                 const char *path, tagger_trained *out) {
    trainer r = {0};
    atomic_file a = {0};
    char *weights = NULL, *made = NULL;
    size_t n = 0;
    err e;
    TRY(trainer_open(&r, t));
    TRY(learn(&r, plan));
    TRY(body(&r, out, &weights, &n));
    if (dev)
        TRY(examine(weights, dev, &out->score));
    TRY(provenance(t, plan, dev, &out->score, &made));
    TRY(atomic_begin(path, &a));
    fprintf(a.f, "{\"provenance\": %s,\n", made);
    fwrite(weights, 1, n, a.f);
    TRY(atomic_commit(&a));
done:
    atomic_discard(&a);
    free(weights);
    free(made);
    trainer_free(&r);
    return e;
}
