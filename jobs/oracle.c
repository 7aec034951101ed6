/* oracle: compare this build with vectors of other implementations */
#include "oracle.h"
#include "job.h"

#include <argp.h>
#include <string.h>

typedef struct arguments {
    const char *what, *path; /* path NULL: attack */
    const char *vocab, *tagger, *shared;
} arguments;

static const struct argp_option OPTIONS[] = {
    {"vocab", 'V', "FILE", 0, "tokenizer: WordPiece vocabulary, one piece a line", 0},
    {"tagger", 'T', "FILE", 0, "tags: weights of the averaged perceptron (JSON)", 0},
    {"shared", 'S', "DIR", 0, "attack: folder that holds oracle/, models/ and data/", 0},
    {0}};

/* every comparison with what it takes */
static void check(const arguments *a, struct argp_state *state) {
    static const char *const known[] = {"encoder", "prune", "tokenizer", "tags", "attack"};
    int found = 0;
    for (int i = 0; a->what && i < 5; i++)
        found |= strcmp(a->what, known[i]) == 0;
    if (!found)
        argp_error(state, "what shall be compared? one of encoder, prune, tokenizer, tags, attack");
    else if (strcmp(a->what, "attack") == 0 && !a->shared)
        argp_error(state, "attack: which recorded run? give --shared DIR");
    else if (strcmp(a->what, "attack") != 0 && !a->path)
        argp_error(state, "%s: with which vectors? give their path", a->what);
    else if (strcmp(a->what, "tokenizer") == 0 && !a->vocab)
        argp_error(state, "tokenizer: which vocabulary? give --vocab FILE");
    else if (strcmp(a->what, "tags") == 0 && !a->tagger)
        argp_error(state, "tags: which weights? give --tagger FILE");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case 'V':
        a->vocab = arg;
        return 0;
    case 'T':
        a->tagger = arg;
        return 0;
    case 'S':
        a->shared = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            return ARGP_ERR_UNKNOWN;
        *(state->arg_num == 0 ? &a->what : &a->path) = arg;
        return 0;
    case ARGP_KEY_END:
        check(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

err job_oracle(const par *p, int argc, char **argv) {
    static const struct argp argp = {
        OPTIONS,
        parse,
        "encoder DIR\nprune FILE\ntokenizer --vocab FILE FILE\ntags --tagger FILE FILE\n"
        "attack --shared DIR",
        "Compare this build with vectors of other implementations, print each worst error against "
        "its tolerance.\vExit status: 0 all inside, 1 some outside, 2 usage, 65 damaged vectors.",
        NULL,
        NULL,
        NULL};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (strcmp(a.what, "encoder") == 0)
        return oracle_encoder(p, a.path);
    if (strcmp(a.what, "prune") == 0)
        return oracle_prune(p, a.path);
    if (strcmp(a.what, "tokenizer") == 0)
        return oracle_tokenizer(p, a.vocab, a.path);
    if (strcmp(a.what, "tags") == 0)
        return oracle_tags(p, a.tagger, a.path);
    return oracle_attack(p, a.shared);
}
