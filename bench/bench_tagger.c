/* How many words a second one core tags, of texts as they are split at white space, with NLTK's
 * weights and with a tagger of our own that is trained here: CPU time of the tagging alone, median
 * of turns. Data below the folder ESPALIER_DATA: pos/, imdb/test.tsv. */
#include "base/arena.h"
#include "below.h"
#include "io/lines.h"
#include "peak.h"
#include "share.h"
#include "text/tagger_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS = 2000, TURNS = 9, WANTED = 500000 };

typedef struct corpus {
    lines in;
    int words, longest, n, first[TEXTS + 1];
    const char **word; /* (words) */
} corpus;

static err read_corpus(corpus *c) {
    CALL(lines_read(below("imdb/test.tsv"), &c->in));
    CALL(mem_alloc(c->in.n_bytes / 2, sizeof *c->word, &c->word));
    for (int i = 1; i < c->in.n && c->n < TEXTS; i += c->in.n / TEXTS) { /* sorted by label */
        char *state;
        for (char *w = strtok_r(c->in.line[i], " \t", &state); w; w = strtok_r(NULL, " \t", &state))
            c->word[c->words++] = w;
        c->first[++c->n] = c->words;
        if (c->words - c->first[c->n - 1] > c->longest)
            c->longest = c->words - c->first[c->n - 1];
    }
    return OK;
}

static err measure(const char *name, const char *path, const corpus *c) {
    tagger *t = NULL;
    uint16_t *tags = NULL;
    int16_t *penn = NULL;
    double rate[TURNS], start = peak_now();
    err e;
    TRY(tagger_open("perceptron", path, &t));
    double opened = peak_now() - start;
    TRY(mem_alloc((size_t)c->longest, sizeof *tags, &tags));
    TRY(mem_alloc((size_t)c->longest, sizeof *penn, &penn));
    for (int k = 0; k < TURNS; k++) {
        start = peak_now();
        for (int i = 0; i < c->n; i++)
            TRY(tagger_tag(t, c->word + c->first[i], c->first[i + 1] - c->first[i], tags, penn));
        rate[k] = c->words / (peak_now() - start);
    }
    double median = share_median(rate, TURNS);
    printf("%-22s %9.0f words/s (%.0f to %.0f), opened in %.2f s; wanted %d: %s\n", name, median,
           rate[0], rate[TURNS - 1], opened, WANTED, median >= WANTED ? "reached" : "NOT reached");
done:
    free(tags);
    free(penn);
    tagger_close(&t);
    return e;
}

static err train(const char *path) {
    tagged_text t = {0}, dev = {0};
    tagger_trained made;
    tagger_plan plan = {10, 1, "bench_tagger"};
    err e;
    TRY(tagged_text_read(below("pos/ewt-train.tsv"), &t));
    TRY(tagged_text_read(below("pos/ewt-test.tsv"), &dev));
    double start = peak_now();
    TRY(tagger_train(&t, &plan, &dev, path, &made));
    printf(
        "trained on %d words, %d epochs, in %.1f s: %lld features; ewt-test: universal tag right "
        "%.2f %%\n",
        t.words, plan.epochs, peak_now() - start, (long long)made.features,
        100.0 * (double)made.score.universal / (double)made.score.words);
done:
    tagged_text_free(&t);
    tagged_text_free(&dev);
    return e;
}

static err bench(void) {
    corpus c = {0};
    char own[] = "/tmp/espalier-bench-tagger-XXXXXX";
    int f = mkstemp(own);
    CHECK(f >= 0, ERR_IO, "cannot make %s", own);
    close(f);
    err e;
    TRY(read_corpus(&c));
    printf("%d IMDB texts, %d words\n", c.n, c.words);
    TRY(measure("NLTK's weights", below("pos/nltk-perceptron.json"), &c));
    TRY(train(own));
    TRY(measure("a tagger of our own", own, &c));
done:
    unlink(own);
    free(c.word);
    lines_free(&c.in);
    return e;
}

int main(void) {
    if (!getenv("ESPALIER_DATA")) {
        printf("skipped: ESPALIER_DATA is not set (pos/, imdb/)\n");
        return 0;
    }
    err e = bench();
    if (e != OK)
        fprintf(stderr, "bench_tagger: %s\n", err_message());
    return (int)e;
}
