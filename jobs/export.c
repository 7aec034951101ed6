/* export: a model's folder written anew, sparse or dense */
#include "job.h"

#include "base/log.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "model/encoder.h"
#include "prune/prune.h"
#include "text/tokenizer.h"

#include <argp.h>
#include <string.h>

typedef struct arguments {
    int sparse;
    const char *from, *to;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case 's':
        a->sparse = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (a->to)
            argp_error(state, "one model and one new folder, got also \"%s\"", arg);
        *(a->from ? &a->to : &a->from) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->to)
            argp_error(state, "a model's folder and a new folder are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err weights_bytes(const char *dir, int64_t *bytes) {
    char path[4096], hex[65];
    *bytes = 0;
    CALL(path_join(path, dir, "model.safetensors"));
    return path_exists(path) ? hash_file(path, hex, bytes) : OK;
}

static err export(const arguments *a) {
    encoder *m = NULL;
    char vocab[4096], path[4096];
    int64_t before, after, zeros, total;
    err e;
    TRY(path_join(path, a->to, "config.json"));
    ENSURE(!path_exists(path), ERR_USAGE, "%s: a model is there already: choose another folder",
           a->to);
    TRY(encoder_load(a->from, (encoder_want){.classes = -1, .mlm = -1}, &m));
    TRY(tokenizer_find(a->from, vocab));
    TRY(a->sparse ? encoder_save_sparse(m, a->to, vocab) : encoder_save(m, a->to, vocab));
    TRY(weights_bytes(a->from, &before));
    TRY(weights_bytes(a->to, &after));
    double share = prune_sparsity(m, &zeros, &total);
    log_info("%s: %.2f %% of the prunable weights are zero; %.2f MiB, was %.2f MiB", a->to,
             100.0 * share, (double)after / 0x1p20, (double)before / 0x1p20);
done:
    encoder_destroy(&m);
    return e;
}

err job_export(const par *p, int argc, char **argv) {
    static const struct argp_option options[] = {
        {"sparse", 's', NULL, 0,
         "pruned matrices as a bit mask and the kept values, which espalier reads like any other "
         "model; without it: dense, for other programs",
         0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "MODEL OUT",
        "Write MODEL, a folder with config.json, model.safetensors and its vocabulary, to the new "
        "folder OUT. The weights are the same bit by bit.",
        NULL,
        NULL,
        NULL};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return par_agree(p, p->rank == 0 ? export(&a) : OK);
}
