/* bench_similarity: behind which layer of an encoder the mean tells best what a word's change does
 * to a text.
 *
 *     bench_similarity MODEL [PLACES]     needs ESPALIER_DATA (SST-2, vocabulary, synonyms)
 *
 * At PLACES words of SST-2's validation sentences (default 2000), those that have a synonym in PPDB
 * and an antonym in WordNet: the window of 15 words around it, as TextFooler compares, against the
 * same with the synonym, the antonym, and a word drawn from the data in its place. The same at as
 * many words that have a counter-fitted neighbour, the nearest of which is what an attack proposes.
 * For each number of layers: at how many places the first is nearer than the second, and texts a
 * second of CPU time. A coin would give 50 %; 2,000 places tell 2.2 % apart (95 %). */
#include "attack/neighbours.h"
#include "attack/similarity.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "below.h"
#include "io/lines.h"
#include "model/encoder.h"
#include "peak.h"
#include "tensor/blas.h"
#include "text/dataset.h"
#include "text/words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 15, TEXTS = 4 }; /* of a place: as it is, and three changes */

/* pairs of words, each in both orders, by the first */
typedef struct pairs {
    lines in;
    int n;
    struct pair {
        const char *from, *to;
    } * of;
} pairs;

/* one word of a sentence, and what may stand there */
typedef struct place {
    char *text[TEXTS];
} place;

enum { SYNONYMS, NEIGHBOURS, KINDS };

typedef struct places {
    int n[KINDS], most;
    place *of[KINDS]; // (most)
} places;

static int by_from(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    const int c = strcmp(x->from, y->from);
    return c ? c : strcmp(x->to, y->to);
}

static err pairs_read(const char *path, pairs *p) {
    CALL(lines_read(path, &p->in));
    CALL(mem_alloc(2 * (size_t)p->in.n + 1, sizeof *p->of, &p->of));
    for (int i = 0; i < p->in.n; i++) {
        char *state, *a = strtok_r(p->in.line[i], " \t", &state),
                     *b = strtok_r(NULL, " \t", &state);
        if (!a || !b)
            continue;
        p->of[p->n++] = (struct pair){a, b};
        p->of[p->n++] = (struct pair){b, a};
    }
    qsort(p->of, (size_t)p->n, sizeof *p->of, by_from);
    return OK;
}

static void pairs_free(pairs *p) {
    free(p->of);
    lines_free(&p->in);
}

/* the first of a word; NULL: it has none */
static const char *pairs_find(const pairs *p, const char *word) {
    int low = 0, high = p->n;
    while (low < high) {
        const int mid = low + (high - low) / 2;
        if (strcmp(p->of[mid].from, word) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->n && strcmp(p->of[low].from, word) == 0 ? p->of[low].to : NULL;
}

static int is_word(const char *s) {
    for (; *s; s++)
        if (!isalpha((unsigned char)*s))
            return 0;
    return 1;
}

/* the window around word i with another word there */
static err window_with(const wording *w, int i, const char *word, char **out) {
    strbuf text = {0};
    const char *kept = w->word[i];
    int first, last;
    words_around(w->n, i, WINDOW, &first, &last);
    w->word[i] = word;
    err e = words_window(w, first, last, &text);
    w->word[i] = kept;
    *out = text.text;
    return e;
}

static err add_place(places *p, int kind, const wording *w, int i, const char *const word[TEXTS]) {
    place *x = &p->of[kind][p->n[kind]];
    for (int k = 0; k < TEXTS; k++)
        CALL(window_with(w, i, word[k], &x->text[k]));
    p->n[kind]++;
    return OK;
}

typedef struct sources {
    pairs synonyms, antonyms;
    neighbours *near;
    dataset rows;
    rng_stream draw;
} sources;

/* a word of any sentence */
static err draw_word(sources *s, arena *a, const char **out) {
    wording w;
    do {
        const int row = (int)rng_below(&s->draw, (uint32_t)s->rows.n);
        CALL(words_split(a, dataset_text(&s->rows, row), &w));
        *out = w.n > 0 ? w.word[rng_below(&s->draw, (uint32_t)w.n)] : "";
    } while (!**out || !is_word(*out));
    return OK;
}

static err look_at(sources *s, arena *a, places *p, const wording *w, int i) {
    const char *word = w->word[i], *synonym = pairs_find(&s->synonyms, word);
    const char *antonym = pairs_find(&s->antonyms, word), *any, **near;
    int n_near;
    CALL(neighbours_of(s->near, word, 1, &near, &n_near));
    CALL(draw_word(s, a, &any));
    if (synonym && antonym && p->n[SYNONYMS] < p->most) {
        const char *const of[TEXTS] = {word, synonym, antonym, any};
        CALL(add_place(p, SYNONYMS, w, i, of));
    }
    if (n_near > 0 && p->n[NEIGHBOURS] < p->most) {
        const char *const of[TEXTS] = {word, near[0], any, any};
        CALL(add_place(p, NEIGHBOURS, w, i, of));
    }
    return OK;
}

/* every word of the sentences in turn */
static err find_places(sources *s, places *p) {
    arena *a = NULL;
    err e;
    TRY(arena_create(1 << 16, &a));
    for (int r = 0; r < s->rows.n; r++) {
        const arena_mark mark = arena_here(a);
        wording w;
        TRY(words_split(a, dataset_text(&s->rows, r), &w));
        for (int i = 0; i < w.n; i++)
            TRY(look_at(s, a, p, &w, i));
        arena_release(a, mark);
    }
    for (int kind = 0; kind < KINDS; kind++)
        ENSURE(p->n[kind] > 0, ERR_DATA, "no word of the sentences has what is compared");
done:
    arena_destroy(&a);
    return e;
}

static void places_free(places *p) {
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < p->n[kind]; i++)
            for (int k = 0; k < TEXTS; k++)
                free(p->of[kind][i].text[k]);
        free(p->of[kind]);
    }
}

static err sources_open(sources *s) {
    s->draw = rng_open(1, RNG_TEST, 0, 0);
    CALL(pairs_read(below("synonyms/ppdb_synonyms.txt"), &s->synonyms));
    CALL(pairs_read(below("synonyms/wordnet_antonyms.txt"), &s->antonyms));
    CALL(neighbours_open_json(below("synonyms/counterfitted_neighbors.json"), &s->near));
    return dataset_read("sst2", below(""), "test", &s->rows);
}

static void sources_close(sources *s) {
    pairs_free(&s->synonyms);
    pairs_free(&s->antonyms);
    neighbours_close(&s->near);
    dataset_free(&s->rows);
}

/* % of n places at which change a is nearer to the text than change b, the like counting half */
static err nearer(similarity *s, const place *of, int n, int a, int b, double *share) {
    double wins = 0.0;
    for (int i = 0; i < n; i++) {
        const char *const others[] = {of[i].text[a], of[i].text[b]};
        double score[2];
        CALL(similarity_score(s, of[i].text[0], others, 2, score));
        wins += score[0] > score[1] ? 1.0 : score[0] == score[1] ? 0.5 : 0.0;
    }
    *share = 100.0 * wins / n;
    return OK;
}

static err measure(const encoder *m, const tokenizer *w, const places *p, int layers) {
    similarity *s = NULL;
    double antonym, any, near;
    err e;
    TRY(similarity_open_encoder(m, w, m->c.P, &s));
    TRY(similarity_layers(s, layers));
    const double start = peak_now();
    for (int i = 0; i < p->n[NEIGHBOURS]; i++) /* a place at a time */
        TRY(similarity_prepare(s, (const char *const *)p->of[NEIGHBOURS][i].text, TEXTS));
    const double rate = (double)similarity_work(s).computed / (peak_now() - start);
    TRY(nearer(s, p->of[SYNONYMS], p->n[SYNONYMS], 1, 2, &antonym));
    TRY(nearer(s, p->of[SYNONYMS], p->n[SYNONYMS], 1, 3, &any));
    TRY(nearer(s, p->of[NEIGHBOURS], p->n[NEIGHBOURS], 1, 2, &near));
    printf("%6d %20.1f %% %20.1f %% %22.1f %% %12.0f\n", layers, antonym, any, near, rate);
    fflush(stdout);
done:
    similarity_close(&s);
    return e;
}

static err bench(const char *model, int most) {
    sources s = {0};
    places p = {.most = most};
    encoder *m = NULL;
    tokenizer *w = NULL;
    err e;
    ENSURE(most > 0, ERR_USAGE, "PLACES: expected a number above 0");
    ENSURE(getenv("ESPALIER_DATA"), ERR_USAGE,
           "set ESPALIER_DATA to the folder with sst2/, vocab/, synonyms/");
    TRY(sources_open(&s));
    for (int kind = 0; kind < KINDS; kind++)
        TRY(mem_alloc((size_t)most, sizeof(place), &p.of[kind]));
    TRY(tokenizer_open(below("vocab/bert-base-uncased.txt"), &w));
    TRY(encoder_load(model, (encoder_want){.classes = 0, .mlm = 0}, &m));
    TRY(find_places(&s, &p));
    printf("%d and %d places\nlayers  synonym > antonym  synonym > any word  neighbour > any word  "
           "texts/s\n",
           p.n[SYNONYMS], p.n[NEIGHBOURS]);
    for (int layers = 1; layers <= m->c.L; layers++)
        TRY(measure(m, w, &p, layers));
done:
    places_free(&p);
    encoder_destroy(&m);
    tokenizer_close(&w);
    sources_close(&s);
    return e;
}

int main(int argc, char **argv) {
    blas_start(argv);
    blas_single_thread();
    log_open(1, LOG_QUIET);
    if (argc < 2) {
        printf("bench_similarity MODEL [PLACES]: not run, it needs a model\n");
        return 0;
    }
    err e = bench(argv[1], argc > 2 ? atoi(argv[2]) : 2000);
    if (e != OK)
        fprintf(stderr, "bench_similarity: %s\n", err_message());
    return (int)e;
}
