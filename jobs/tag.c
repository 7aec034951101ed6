/* tag: parts of speech for every word of lines of text, shared out over the ranks */
#include "job.h"

#include "text/tag_lines.h"
#include "work/relay.h"

#include <argp.h>

typedef struct arguments {
    const char *tagger;
    char **files; /* (n_files) in argv */
    int n_files;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case 'T':
        a->tagger = arg;
        return 0;
    case ARGP_KEY_ARGS:
        a->files = state->argv + state->next;
        a->n_files = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err tag_block(void *state, const relay_block *b, strbuf *out) {
    return tag_lines_run(state, b->name, b->line, b->text, b->n, out);
}

static err tag(const par *p, const arguments *a) {
    tagger *t = NULL;
    tag_lines *lines = NULL;
    const char *source;
    err e = tagger_recognise(a->tagger, &source);
    if (e == OK)
        e = tagger_open(source, a->tagger, &t);
    if (e == OK)
        e = tag_lines_create(t, &lines);
    TRY(par_agree(p, e));
    relay r = {.p = p, .files = a->files, .n_files = a->n_files, .out = stdout};
    TRY(relay_run(&r, tag_block, lines));
done:
    tag_lines_destroy(&lines);
    tagger_close(&t);
    return e;
}

err job_tag(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {{"tagger", 'T', "FILE", 0,
                                                  "weights of an averaged perceptron (NLTK's JSON, "
                                                  "or of `espalier prepare tagger'); a lexicon "
                                                  "of word<TAB>universal tag lines; a folder of "
                                                  "WordNet. Default: the system's WordNet, which "
                                                  "knows what a form can be, not what it is here",
                                                  0},
                                                 {0}};
    const struct argp argp = {
        options,
        parse,
        "[FILE...]",
        "Print `word<TAB>tag<TAB>universal tag' for every word of the files, or of standard input "
        "(also -), whose words are set apart by white space; each line is a text, and an empty "
        "line "
        "stands behind each text. A source that only knows forms prints - for the tag, and every "
        "universal tag that the form can have (NOUN|VERB). Under mpirun the ranks share the work; "
        "what is printed does not change.",
        NULL,
        NULL,
        NULL};
    arguments a = {.tagger = ""};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return tag(p, &a);
}
