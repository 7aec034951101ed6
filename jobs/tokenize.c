/* tokenize: ids or pieces, a line for every line of the input */
#include "job.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "text/tokenizer.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { VOCAB = 256 }; /* no short form: -V is everybody's version */

typedef struct arguments {
    const char *vocab;
    int pieces;
    char **files; /* (n_files) in argv */
    int n_files;
} arguments;

/* lines and ids grow to the longest line of all inputs */
typedef struct stream {
    const tokenizer *w;
    int pieces;
    char *line;
    size_t line_cap;
    int32_t *ids; /* (cap) */
    int cap;
    strbuf out;
} stream;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case VOCAB:
        a->vocab = arg;
        return 0;
    case 'p':
        a->pieces = 1;
        return 0;
    case ARGP_KEY_ARGS:
        a->files = state->argv + state->next;
        a->n_files = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (!a->vocab)
            argp_error(state, "which vocabulary? give --vocab vocab.txt, vocab.json or a model's "
                              "folder");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err write_line(stream *s, size_t n) {
    int count;
    CALL(tokenizer_encode(s->w, s->line, n, s->ids, s->cap, &count));
    if (count > s->cap) {
        CALL(mem_resize((size_t)count, sizeof *s->ids, &s->ids));
        s->cap = count;
        CALL(tokenizer_encode(s->w, s->line, n, s->ids, s->cap, &count));
    }
    strbuf_clear(&s->out);
    for (int i = 0; i < count; i++) {
        const char *gap = i ? " " : "";
        CALL(s->pieces ? strbuf_printf(&s->out, "%s%s", gap, tokenizer_piece(s->w, s->ids[i]))
                       : strbuf_printf(&s->out, "%s%d", gap, s->ids[i]));
    }
    CALL(strbuf_add(&s->out, "\n", 1));
    fwrite(s->out.text, 1, s->out.len, stdout); /* failures are seen when main flushes */
    return OK;
}

static err each_line(stream *s, FILE *f, const char *name) {
    ssize_t n;
    for (long long line = 1; (n = getline(&s->line, &s->line_cap, f)) >= 0; line++) {
        CHECK(!memchr(s->line, '\0', (size_t)n), ERR_DATA, "%s:%lld: a NUL byte; expected text",
              name, line);
        n -= n > 0 && s->line[n - 1] == '\n';
        n -= n > 0 && s->line[n - 1] == '\r';
        CALL(write_line(s, (size_t)n));
    }
    CHECK(!ferror(f), ERR_IO, "%s: cannot be read: %s", name, strerror(errno));
    return OK;
}

static err each_file(const arguments *a, stream *s) {
    if (a->n_files == 0)
        return each_line(s, stdin, "standard input");
    for (int i = 0; i < a->n_files; i++) {
        int standard = strcmp(a->files[i], "-") == 0;
        FILE *f = standard ? stdin : fopen(a->files[i], "r");
        CHECK(f, ERR_IO, "%s: cannot be read: %s", a->files[i], strerror(errno));
        err e = each_line(s, f, standard ? "standard input" : a->files[i]);
        if (!standard)
            fclose(f);
        CALL(e);
    }
    return OK;
}

static err tokenize(const arguments *a) {
    tokenizer *w = NULL;
    char found[4096];
    struct stat st;
    int folder = stat(a->vocab, &st) == 0 && S_ISDIR(st.st_mode);
    if (folder)
        CALL(tokenizer_find(a->vocab, found));
    CALL(tokenizer_open(folder ? found : a->vocab, &w));
    stream s = {.w = w, .pieces = a->pieces};
    err e = each_file(a, &s);
    free(s.line);
    free(s.ids);
    strbuf_free(&s.out);
    tokenizer_close(&w);
    return e;
}

err job_tokenize(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"vocab", VOCAB, "FILE", 0,
         "WordPiece's vocab.txt, byte-level BPE's vocab.json (with merges.txt beside it), or a "
         "model's folder",
         0},
        {"pieces", 'p', NULL, 0, "print the pieces, not their ids", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "[FILE...]",
        "Print the ids of every line of the files, or of standard input (also -): "
        "one line for each, without [CLS] and [SEP] (<s> and </s>). Invalid UTF-8 counts as "
        "U+FFFD, "
        "as in the reference tokenizer.",
        NULL,
        NULL,
        NULL};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return p->rank == 0 ? tokenize(&a) : OK;
}
