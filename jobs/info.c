/* info: explain a model, a store, a study or a data file */
#include "info.h"
#include "job.h"

#include "attack/neighbour_index.h"
#include "config/study.h"
#include "io/atomic_file.h"
#include "store/store.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct arguments {
    int effective;
    char **paths; /* (n) in argv */
    int n;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    (void)arg;
    arguments *a = state->input;
    switch (key) {
    case 'e':
        a->effective = 1;
        return 0;
    case ARGP_KEY_ARGS:
        a->paths = state->argv + state->next;
        a->n = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (a->n == 0)
            argp_error(state, "which file or folder?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int holds(const char *dir, const char *name) {
    char path[4096];
    return path_join(path, dir, name) == OK && path_exists(path);
}

static int ends(const char *path, const char *tail) {
    size_t n = strlen(path), m = strlen(tail);
    return n >= m && strcmp(path + n - m, tail) == 0;
}

static err print_effective(const char *path, strbuf *out) {
    study *s = NULL;
    CALL(study_read(path, NULL, 0, &s));
    err e = study_write(s, out);
    study_free(&s);
    return e;
}

static err explain(const char *path, strbuf *out) {
    struct stat st;
    CHECK(stat(path, &st) == 0, ERR_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        if (holds(path, "config.json"))
            return info_model(path, out);
        CHECK(holds(path, "study.yaml"), ERR_USAGE,
              "%s: expected a model's folder (config.json) or a study's (study.yaml)", path);
        return info_results(path, out);
    }
    if (ends(path, ".safetensors"))
        return info_arrays(path, out);
    if (ends(path, ".yaml") || ends(path, ".yml"))
        return info_study(path, out);
    if (neighbour_index_is(path))
        return info_neighbours(path, out);
    CHECK(ends(path, ".h5"), ERR_USAGE,
          "%s: expected .safetensors, .yaml, .h5, an index of neighbours or a folder", path);
    return store_describe(path, out);
}

err job_info(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"effective", 'e', NULL, 0, "print a study's .yaml with every default filled in", 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        "PATH...",
        "Explain what each PATH holds: a model's folder, a .safetensors file, a "
        "study's .yaml, a study's folder, a store (.h5), or an index of neighbours.",
        NULL,
        NULL,
        NULL};
    arguments a = {0};
    strbuf text = {0};
    err e = OK;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    for (int i = 0; i < a.n && e == OK && p->rank == 0; i++)
        e = (a.effective ? print_effective : explain)(a.paths[i], &text);
    if (e == OK && text.len > 0)
        fwrite(text.text, 1, text.len, stdout); /* failures are seen when main flushes */
    strbuf_free(&text);
    return e;
}
