#include "text/synthetic.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "text/synthetic_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETS = sizeof WORD_SETS / sizeof *WORD_SETS,
    PLAINS = sizeof PLAIN_WORDS / sizeof *PLAIN_WORDS,
    SET_WORDS = 8,
    WORD_BYTES = 32,
    NEAR_MISSES = 2,
};

/* how far down a synonym set the words of a text are drawn */
typedef enum spread {
    LABELLED, /* mainly the two or three most frequent words */
    MIXED,    /* as labelled, but every fourth word from the whole set */
    WHOLE,    /* all words, the frequent ones a little more often */
} spread;

typedef struct lexicon {
    char word[SETS][SET_WORDS][WORD_BYTES];
    int n[SETS];
} lexicon;

static void read_words(lexicon *x) {
    for (int s = 0; s < SETS; s++) {
        const char *p = WORD_SETS[s].words;
        for (x->n[s] = 0; *p; x->n[s]++) {
            size_t len = strcspn(p, " ");
            memcpy(x->word[s][x->n[s]], p, len);
            x->word[s][x->n[s]][len] = '\0';
            p += len;
            p += *p == ' ';
        }
    }
}

typedef struct writer {
    const lexicon *x;
    rng_stream *rng;
    spread spread;
    strbuf *out;
    err e; /* the first error of a run of add()s */
} writer;

static int chance(writer *w, double probability) {
    return rng_uniform(w->rng) < probability;
}

static void add(writer *w, const char *text) {
    size_t n = w->out->len;
    int article = n > 0 && w->out->text[n - 1] == 'a' && (n == 1 || w->out->text[n - 2] == ' ');
    if (w->e == OK && article && strchr("aeiou", text[0]))
        w->e = strbuf_add(w->out, "n", 1);
    if (w->e == OK)
        w->e = strbuf_printf(w->out, "%s%s", w->out->len ? " " : "", text);
}

/* rank of a word in its set: geometric (0.3 a step) where labelled, (r + 1)^-0.4 over the whole set
 */
static int draw_rank(writer *w, int n) {
    int whole = w->spread == WHOLE || (w->spread == MIXED && chance(w, 0.25));
    double weight[SET_WORDS], sum = 0.0;
    for (int r = 0; r < n; r++)
        sum += weight[r] = whole ? pow(r + 1, -0.4) : pow(0.3, r);
    double u = rng_uniform(w->rng) * sum;
    for (int r = 0; r < n; r++)
        if ((u -= weight[r]) < 0.0)
            return r;
    return 0;
}

static int choose_set(writer *w, word_role role, int polarity) {
    int choice[SETS] = {0}, n = 0;
    for (int s = 0; s < SETS; s++)
        if (WORD_SETS[s].role == role && WORD_SETS[s].polarity == polarity)
            choice[n++] = s;
    return choice[rng_below(w->rng, (uint32_t)n)];
}

static void add_word(writer *w, word_role role, int polarity) {
    int s = choose_set(w, role, polarity);
    add(w, w->x->word[s][draw_rank(w, w->x->n[s])]);
}

/* a polar word; unlabelled texts often say the same thing twice in other words, which is how they
 * show that two words are synonyms */
static void add_said_twice(writer *w, word_role role, int polarity, const char *between) {
    int s = choose_set(w, role, polarity), n = w->x->n[s], first = draw_rank(w, n);
    add(w, w->x->word[s][first]);
    if (w->spread != WHOLE || !chance(w, 0.6))
        return;
    add(w, between);
    add(w, w->x->word[s][(first + 1 + (int)rng_below(w->rng, (uint32_t)(n - 1))) % n]);
}

static void add_quality(writer *w, int polarity) {
    if (chance(w, 0.3))
        add_word(w, ROLE_INTENSE, 0);
    add_said_twice(w, ROLE_QUALITY, polarity, "and");
    if (w->spread != WHOLE && chance(w, 0.25)) {
        add(w, "and");
        add_word(w, ROLE_QUALITY, polarity);
    }
}

static const char *linking_verb(writer *w) {
    static const char *const verbs[] = {"is", "is", "was", "feels", "seems"};
    return verbs[rng_below(w->rng, 5)];
}

/* a clause of the opposite words, turned round by a negation */
static void add_negated(writer *w, int polarity) {
    static const char *const negations[] = {"not", "never", "hardly"};
    add(w, "the");
    if (chance(w, 0.7)) {
        add_word(w, ROLE_ASPECT, 0);
        add(w, linking_verb(w));
        add(w, negations[rng_below(w->rng, 3)]);
        add_said_twice(w, ROLE_QUALITY, -polarity, "and");
    } else {
        add_word(w, ROLE_WORK, 0);
        add(w, negations[1 + rng_below(w->rng, 2)]);
        add_said_twice(w, ROLE_EFFECT, -polarity, "and");
        add(w, "the");
        add_word(w, ROLE_AUDIENCE, 0);
    }
}

static void add_polar(writer *w, int polarity) {
    double u = rng_uniform(w->rng);
    if (u < 0.12) {
        add_negated(w, polarity);
    } else if (u < 0.47) {
        add(w, "the");
        add_word(w, ROLE_ASPECT, 0);
        add(w, linking_verb(w));
        add_quality(w, polarity);
    } else if (u < 0.62) {
        add(w, "it");
        add(w, linking_verb(w));
        add(w, "a");
        add_quality(w, polarity);
        add_word(w, ROLE_WORK, 0);
    } else if (u < 0.76) {
        add(w, "the");
        add_word(w, ROLE_WORK, 0);
        add_said_twice(w, ROLE_EFFECT, polarity, "and");
        add(w, "the");
        add_word(w, ROLE_AUDIENCE, 0);
    } else if (u < 0.88) {
        add(w, "this");
        add_word(w, ROLE_WORK, 0);
        add(w, "is a");
        add_said_twice(w, ROLE_VERDICT, polarity, "and a");
    } else {
        add(w, "the");
        add_word(w, ROLE_PERSON, 0);
        add_word(w, ROLE_DOES, 0);
        add_said_twice(w, ROLE_MANNER, polarity, "and");
    }
}

static void add_neutral(writer *w) {
    add(w, "the");
    add_word(w, ROLE_WORK, 0);
    add_word(w, ROLE_SHOWS, 0);
    add(w, "a");
    if (chance(w, 0.5))
        add_word(w, ROLE_KIND, 0);
    add_word(w, ROLE_SUBJECT, 0);
    if (chance(w, 0.6)) {
        add(w, chance(w, 0.5) ? "in" : "near");
        add(w, "a");
        if (chance(w, 0.4))
            add_word(w, ROLE_KIND, 0);
        add_word(w, ROLE_PLACE, 0);
    }
}

/* one review of a polarity: 1 to 3 clauses that agree; every twentieth is mixed, and what follows
 * "but" decides */
static err add_review(writer *w, int polarity) {
    int neutral = chance(w, 0.5), polar = 1 + chance(w, 0.55) + chance(w, 0.15);
    if (w->spread == WHOLE)
        polar += chance(w, 0.6); /* unlabelled texts show which words keep company */
    if (neutral) {
        add_neutral(w);
        add(w, ",");
    }
    if (chance(w, 0.05)) {
        add_polar(w, -polarity);
        add(w, ", but");
        if (chance(w, 0.5))
            add(w, "overall");
        polar = 1;
    }
    for (int i = 0; i < polar; i++) {
        if (i > 0)
            add(w, i + 1 == polar ? "and" : ",");
        add_polar(w, polarity);
    }
    add(w, ".");
    return w->e;
}

/* texts seen so far, by hash: no text twice, and none in two parts */
typedef struct seen {
    uint64_t *slot;
    size_t cap; /* a power of two, above twice what is stored */
} seen;

static int first_time(seen *s, const strbuf *text) {
    uint64_t h = hash_u64(text->text, text->len) | 1; /* 0 marks an empty slot */
    for (size_t i = h & (s->cap - 1);; i = (i + 1) & (s->cap - 1)) {
        if (s->slot[i] == h)
            return 0;
        if (s->slot[i] == 0) {
            s->slot[i] = h;
            return 1;
        }
    }
}

enum { MAX_TRIES = 1000 };

/* n texts of one part; labelled ones with their label in a second column */
static err write_part(const lexicon *x, uint64_t seed, uint32_t part, int n, spread sp, seen *s,
                      const char *path) {
    strbuf all = {0}, text = {0};
    err e = OK;
    int labelled = sp != WHOLE;
    if (labelled)
        TRY(strbuf_printf(&all, "sentence\tlabel\n"));
    for (int i = 0; i < n; i++) {
        rng_stream rng = rng_open(seed, RNG_SYNTHETIC, part, (uint32_t)i);
        int tries = 0;
        do {
            writer w = {x, &rng, sp, &text, OK};
            strbuf_clear(&text);
            TRY(add_review(&w, i % 2 ? 1 : -1));
            ENSURE(++tries < MAX_TRIES, ERR_USAGE,
                   "synthetic: no new text for sentence %d: ask for fewer sentences", i);
        } while (!first_time(s, &text));
        if (labelled)
            TRY(strbuf_printf(&all, "%s\t%d\n", text.text, i % 2));
        else
            TRY(strbuf_printf(&all, "%s\n", text.text));
    }
    TRY(atomic_write(path, all.text, all.len));
done:
    strbuf_free(&all);
    strbuf_free(&text);
    return e;
}

static err write_vocabulary(const lexicon *x, const char *path) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    strbuf out = {0};
    err e;
    TRY(strbuf_printf(&out, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"));
    for (int i = 0; i < PLAINS; i++)
        if (PLAIN_WORDS[i].word[1] || strchr(",.", PLAIN_WORDS[i].word[0]))
            TRY(strbuf_printf(&out, "%s\n", PLAIN_WORDS[i].word));
    /* single characters and their continuations: no word is unknown */
    for (const char *c = letters; *c; c++)
        TRY(strbuf_printf(&out, "%c\n##%c\n", *c, *c));
    TRY(strbuf_printf(&out, "-\n'\n!\n?\n"));
    for (int s = 0; s < SETS; s++)
        for (int r = 0; r < x->n[s]; r++)
            TRY(strbuf_printf(&out, "%s\n", x->word[s][r]));
    TRY(atomic_write(path, out.text, out.len));
done:
    strbuf_free(&out);
    return e;
}

/* the next set of the same role and polarity, s itself where there is none */
static int sister(int s) {
    for (int k = 1; k < SETS; k++) {
        int t = (s + k) % SETS;
        if (WORD_SETS[t].role == WORD_SETS[s].role &&
            WORD_SETS[t].polarity == WORD_SETS[s].polarity)
            return t;
    }
    return s;
}

/* members of the own set, nearest in frequency first; for polar words then near misses */
static json_t *neighbours_of(const lexicon *x, int s, int r) {
    json_t *list = json_array();
    for (int d = 1; d < x->n[s]; d++) {
        if (r + d < x->n[s])
            json_array_append_new(list, json_string(x->word[s][r + d]));
        if (r - d >= 0)
            json_array_append_new(list, json_string(x->word[s][r - d]));
    }
    int t = sister(s);
    for (int k = 0; WORD_SETS[s].polarity != 0 && t != s && k < NEAR_MISSES; k++)
        json_array_append_new(list, json_string(x->word[t][k]));
    return list;
}

static err write_neighbours(const lexicon *x, const char *path) {
    json_t *all = json_object();
    CHECK(all, ERR_FAILED, "out of memory");
    err e = OK;
    for (int s = 0; s < SETS; s++)
        for (int r = 0; r < x->n[s]; r++)
            if (json_object_set_new(all, x->word[s][r], neighbours_of(x, s, r)) != 0)
                e = err_raise(ERR_FAILED, __FILE__, __LINE__, "out of memory");
    if (e == OK)
        e = json_write(path, all);
    json_decref(all);
    return e;
}

static err write_tags(const lexicon *x, const char *path) {
    strbuf out = {0};
    err e = OK;
    for (int s = 0; s < SETS; s++)
        for (int r = 0; r < x->n[s]; r++)
            TRY(strbuf_printf(&out, "%s\t%s\n", x->word[s][r], ROLE_TAG[WORD_SETS[s].role]));
    for (int i = 0; i < PLAINS; i++)
        TRY(strbuf_printf(&out, "%s\t%s\n", PLAIN_WORDS[i].word, PLAIN_WORDS[i].tag));
    TRY(atomic_write(path, out.text, out.len));
done:
    strbuf_free(&out);
    return e;
}

err synthetic_write(const synthetic_plan *o, const char *dir) {
    char path[4096];
    lexicon *x = NULL;
    seen s = {.cap = 1024};
    err e;
    while (s.cap < 2 * ((size_t)o->train + (size_t)o->test + (size_t)o->corpus))
        s.cap *= 2;
    TRY(mem_alloc(s.cap, sizeof *s.slot, &s.slot));
    TRY(mem_alloc(1, sizeof *x, &x));
    read_words(x);
    TRY(path_join(path, dir, "vocab.txt"));
    TRY(write_vocabulary(x, path));
    TRY(path_join(path, dir, "neighbours.json"));
    TRY(write_neighbours(x, path));
    TRY(path_join(path, dir, "tags.tsv"));
    TRY(write_tags(x, path));
    TRY(path_join(path, dir, "test.tsv"));
    TRY(write_part(x, o->seed, 0, o->test, MIXED, &s, path));
    TRY(path_join(path, dir, "corpus.txt"));
    TRY(write_part(x, o->seed, 1, o->corpus, WHOLE, &s, path));
    /* last: whoever finds it finds everything */
    TRY(path_join(path, dir, "train.tsv"));
    TRY(write_part(x, o->seed, 2, o->train, LABELLED, &s, path));
done:
    free(s.slot);
    free(x);
    return e;
}
