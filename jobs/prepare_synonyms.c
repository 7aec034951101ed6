/* prepare synonyms: an index of neighbours from word vectors, lists, pairs and WordNet */
#include "prepare.h"
#include "version.h"

#include "attack/synonyms.h"
#include "attack/synonyms_sources.h"
#include "base/arena.h"
#include "base/log.h"
#include "io/hash.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

static error_t parse(int key, char *arg, struct argp_state *state) {
    synonyms_sources *a = state->input;
    char *end;
    switch (key) {
    case 'v':
        a->vectors = arg;
        return 0;
    case 'n':
        a->neighbours = arg;
        return 0;
    case 'p':
        a->pairs = arg;
        return 0;
    case 'w':
        a->wordnet = arg ? arg : "";
        return 0;
    case 'a':
        a->antonyms = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case 't':
        a->top = (int)strtol(arg, &end, 10);
        if (end == arg || *end || a->top < 1 || a->top > 1000)
            argp_error(state, "--top: expected a whole number from 1 to 1000, got \"%s\"", arg);
        return 0;
    case 'c':
        a->least = strtod(arg, &end);
        if (end == arg || *end || !(a->least >= -1.0 && a->least <= 1.0))
            argp_error(state, "--min-cosine: expected a number from -1 to 1, got \"%s\"", arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->vectors && !a->neighbours && !a->pairs && !a->wordnet)
            argp_error(state, "from what? give --vectors, --neighbours, --pairs or --wordnet");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err report(const synonyms_sources *a, const synonyms_counts *n) {
    char hex[65];
    int64_t bytes;
    CALL(hash_file(a->out, hex, &bytes));
    printf("%s: %lld words, %lld of them with neighbours, %lld pairs, %lld bytes, SHA-256 %s\n",
           a->out, (long long)n->words, (long long)n->with, (long long)n->pairs, (long long)bytes,
           hex);
    if (n->own || n->repeated || n->excluded)
        printf(
            "left out: %lld words beside themselves, %lld pairs that were there, %lld antonyms\n",
            (long long)n->own, (long long)n->repeated, (long long)n->excluded);
    return OK;
}

static err make(const par *p, const synonyms_sources *a) {
    synonyms_counts n;
    CALL(synonyms_make(p, a, &n));
    return par_agree(p, p->rank == 0 ? report(a, &n) : OK);
}

err prepare_synonyms(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"vectors", 'v', "FILE", 0,
         "word vectors in text form: the nearest of every word, found by all ranks", 0},
        {"neighbours", 'n', "FILE", 0, "JSON: word -> list of words, nearest first", 0},
        {"pairs", 'p', "FILE", 0, "synonyms, two words a line, both ways (PPDB)", 0},
        {"wordnet", 'w', "FOLDER", OPTION_ARG_OPTIONAL,
         "words that share a sense by WordNet (the system's)", 0},
        {"antonyms", 'a', "FILE", 0, "two words a line that never stand for each other", 0},
        {"top", 't', "N", 0, "nearest words of each vector (50)", 0},
        {"min-cosine", 'c', "X", 0, "of those; the attack has its own limit besides (-1)", 0},
        {"out", 'o', "FILE", 0, "what is written (neighbours.bin)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "",
        "Put an index of neighbours together from any of these sources: a word's list has those of "
        "each source in the order above. attack.neighbours takes the file.",
        NULL,
        NULL,
        NULL};
    char made_by[128];
    snprintf(made_by, sizeof made_by, "espalier %s", version_text());
    synonyms_sources a = {.out = "neighbours.bin", .top = 50, .least = -1.0, .made_by = made_by};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return make(p, &a);
}
