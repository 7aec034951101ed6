/* what every variant starts from: its text and its shape */
#include "context.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "model/config_file.h"
#include "prune/selection.h"

#include <stdlib.h>
#include <string.h>

/* the corpus: named in the study, else the data set's own unlabelled text, else its training texts
 */
err start_corpus(context *c, dataset *out) {
    const pretrain_options *o = &c->s->pretrain;
    const char *name = c->s->data.name;
    char path[PATH_BYTES] = "";
    err e = OK;
    if (c->p->rank == 0) {
        if (o->corpus[0])
            e = context_resolve(c, "pretrain.corpus", o->corpus, path);
        else if (strcmp(name, "synthetic") == 0)
            e = path_join(path, c->root, "corpus.txt");
        else if (strcmp(name, "imdb") == 0)
            e = path_join(path, c->root, "imdb/unsup.txt");
        if (e == OK && path[0])
            e = dataset_read_text(path, (int)o->corpus_examples, out);
        if (e == OK && path[0])
            dataset_log(out);
    }
    CALL(par_agree(c->p, e));
    CALL(par_bcast(c->p, path, sizeof path, 0));
    if (path[0])
        return dataset_bcast(c->p, out, 0);
    int32_t n = c->train.n;
    if (o->corpus_examples > 0 && o->corpus_examples < n)
        n = (int32_t)o->corpus_examples;
    int32_t *index = NULL;
    CALL(mem_alloc((size_t)n, sizeof *index, &index));
    for (int32_t i = 0; i < n; i++)
        index[i] = i;
    e = dataset_select(&c->train, index, n, out);
    free(index);
    return e;
}

/* what pruning asks of a checkpoint's shape: refused before anything is trained. Of a new encoder
 * the study itself says as much (config/rules.c). */
static err check_pruning(const context *c, const encoder_config *shape) {
    const prune_options *o = &c->s->prune;
    for (int i = 0; i < o->patterns.n && o->methods.n > 0; i++) {
        pattern p;
        CALL(pattern_parse(o->patterns.v[i], &p));
        err e = pattern_check(p, shape->H);
        if (e == OK)
            e = pattern_check(p, shape->F);
        if (e != OK)
            return err_prefix(e, "%s: prune.patterns: %s and %s", c->s->path, o->patterns.v[i],
                              c->s->model.checkpoint);
    }
    CHECK(o->methods.n == 0 || o->calibration_length <= shape->P, ERR_USAGE,
          "%s: prune.calibration_length is %lld, but the encoder has %d positions", c->s->path,
          (long long)o->calibration_length, shape->P);
    return OK;
}

err start_shape(const context *c, int mlm, encoder_config *out) {
    const model_options *o = &c->s->model;
    char dir[PATH_BYTES], path[PATH_BYTES];
    if (!o->checkpoint[0]) {
        *out = (encoder_config){.V = c->w->V,
                                .H = (int)o->hidden,
                                .L = (int)o->layers,
                                .A = (int)o->heads,
                                .F = (int)o->feed_forward,
                                .P = (int)o->positions,
                                .Y = 2,
                                .norm_eps = 1e-12f};
    } else {
        CALL(context_resolve(c, "model.checkpoint", o->checkpoint, dir));
        CALL(path_join(path, dir, "config.json"));
        CALL(config_read(path, out));
        CALL(check_pruning(c, out));
    }
    out->K = 0;
    out->mlm = mlm;
    out->p = strcmp(o->precision, "bf16") == 0 ? BFLOAT16 : FLOAT32;
    return OK;
}

/* a new encoder of the study's shape, or the checkpoint with its masked-language head */
err start_encoder(context *c, int mlm, encoder **out) {
    const model_options *o = &c->s->model;
    uint64_t seed = (uint64_t)c->s->study.seed;
    if (o->checkpoint[0]) {
        char dir[PATH_BYTES];
        CALL(context_resolve(c, "model.checkpoint", o->checkpoint, dir));
        CALL(encoder_load(dir, (encoder_want){.classes = 0, .mlm = mlm, .seed = seed}, out));
    } else {
        encoder_config config;
        CALL(start_shape(c, mlm, &config));
        CALL(encoder_create(&config, out));
        encoder_init(*out, seed);
    }
    encoder_config *shape = &(*out)->c;
    if (o->checkpoint[0])
        CALL(check_pruning(c, shape));
    CALL(context_set_precision(c, *out));
    CHECK(shape->V == c->w->V, ERR_DATA,
          "%s has %d pieces, the checkpoint's word embeddings have %d rows: they do not fit",
          c->vocab, c->w->V, shape->V);
    CHECK(c->s->data.max_length <= shape->P, ERR_USAGE,
          "%s: data.max_length is %lld, but the encoder has %d positions", c->s->path,
          (long long)c->s->data.max_length, shape->P);
    return OK;
}
