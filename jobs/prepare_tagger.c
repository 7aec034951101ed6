/* prepare tagger: an averaged perceptron from tagged text */
#include "prepare.h"
#include "version.h"

#include "base/log.h"
#include "io/hash.h"
#include "text/tagger_train.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    const char *train, *dev, *out;
    long epochs, seed;
} arguments;

static long number(struct argp_state *state, const char *name, const char *text, long most) {
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > most)
        argp_error(state, "--%s: expected a whole number from 1 to %ld, got \"%s\"", name, most,
                   text);
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case 't':
        a->train = arg;
        return 0;
    case 'd':
        a->dev = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case 'e':
        a->epochs = number(state, "epochs", arg, 1000);
        return 0;
    case 's':
        a->seed = number(state, "seed", arg, INT32_MAX);
        return 0;
    case ARGP_KEY_END:
        if (!a->train)
            argp_error(state, "which tagged text? give --train FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static double percent(int64_t right, int64_t of) {
    return 100.0 * (double)right / (double)of;
}

static err report(const arguments *a, const tagged_text *t, const tagger_trained *made) {
    char hex[65];
    int64_t bytes;
    const tagger_score *s = &made->score;
    CALL(hash_file(a->out, hex, &bytes));
    printf("%s: %d words in %d sentences, %ld epochs, seed %ld\n", a->train, t->words, t->sentences,
           a->epochs, a->seed);
    printf("%s: %d pairs of tags, %d known words, %lld features, %lld weights, %lld bytes, "
           "SHA-256 %s\n",
           a->out, made->classes, made->known, (long long)made->features, (long long)made->weights,
           (long long)bytes, hex);
    if (a->dev)
        printf("%s: %lld words, universal tag right %.2f %%, as one of twelve %.2f %%, Penn tag "
               "%.2f %%\n",
               a->dev, (long long)s->words, percent(s->universal, s->words),
               percent(s->bits, s->words), percent(s->penn, s->words));
    return OK;
}

static err train(const arguments *a) {
    tagged_text t = {0}, dev = {0};
    tagger_trained made = {0};
    char made_by[128];
    err e;
    snprintf(made_by, sizeof made_by, "espalier %s", version_text());
    tagger_plan plan = {(int)a->epochs, (uint64_t)a->seed, made_by};
    TRY(tagged_text_read(a->train, &t));
    if (a->dev)
        TRY(tagged_text_read(a->dev, &dev));
    log_info("%s: training on %d words in %d sentences, %ld epochs", a->train, t.words, t.sentences,
             a->epochs);
    TRY(tagger_train(&t, &plan, a->dev ? &dev : NULL, a->out, &made));
    TRY(report(a, &t, &made));
done:
    tagged_text_free(&t);
    tagged_text_free(&dev);
    return e;
}

err prepare_tagger(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"train", 't', "FILE", 0,
         "tagged text: word<TAB>universal tag<TAB>Penn tag, blank lines between sentences", 0},
        {"dev", 'd', "FILE", 0, "the same, to say how many tags come out right", 0},
        {"out", 'o', "FILE", 0, "what is written (tagger.json)", 0},
        {"epochs", 'e', "N", 0, "passes over the text (10)", 0},
        {"seed", 's', "N", 0, "of the order of sentences (1)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "",
                              "Train a part-of-speech tagger (an averaged perceptron) on tagged "
                              "text. The file can be given wherever a tagger's weights are asked "
                              "for: espalier tag --tagger, attack.tagger_path.",
                              NULL,
                              NULL,
                              NULL};
    arguments a = {.out = "tagger.json", .epochs = 10, .seed = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return p->rank == 0 ? train(&a) : OK;
}
