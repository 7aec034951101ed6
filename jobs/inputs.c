/* what a study is made from: found, generated, and never changed under it */
#include "context.h"

#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "text/synthetic.h"

#include <string.h>

/* where the data is: generated into the study's folder, or below the root */
err inputs_locate(context *c) {
    const study *s = c->s;
    if (strcmp(s->data.name, "synthetic") != 0) {
        CHECK(c->root[0], ERR_USAGE,
              "%s: data.name is %s, but neither data.root nor ESPALIER_DATA says where it is",
              s->path, s->data.name);
        return OK;
    }
    CALL(path_join(c->root, c->dir, "data"));
    char done[PATH_BYTES];
    CALL(path_join(done, c->root, "train.tsv"));
    if (path_exists(done)) /* written last */
        return OK;
    CALL(dir_make(c->root));
    synthetic_plan plan = {.seed = context_data_seed(c),
                           .train = (int)s->synthetic.train,
                           .test = (int)s->synthetic.test,
                           .corpus = (int)s->synthetic.corpus};
    return synthetic_write(&plan, c->root);
}

/* the vocabulary: the study's own choice, the checkpoint's, or the synthetic language's */
err inputs_vocabulary(context *c) {
    const study *s = c->s;
    if (s->data.vocabulary[0])
        return context_resolve(c, "data.vocabulary", s->data.vocabulary, c->vocab);
    char checkpoint[PATH_BYTES];
    if (s->model.checkpoint[0]) {
        CALL(context_resolve(c, "model.checkpoint", s->model.checkpoint, checkpoint));
        err e = tokenizer_find(checkpoint, c->vocab);
        return e == OK ? OK : err_prefix(e, "%s: set data.vocabulary", s->path);
    }
    CHECK(strcmp(s->data.name, "synthetic") == 0, ERR_USAGE,
          "%s: data.vocabulary is needed: there is no checkpoint to take it from", s->path);
    return tokenizer_find(c->root, c->vocab);
}

/* what the study was made from may not change under it */
err inputs_check(context *c, const dataset *all, const dataset *test) {
    char path[PATH_BYTES], vocab[65];
    CALL(path_join(path, c->dir, "inputs.json"));
    CALL(tokenizer_hash(c->vocab, vocab));
    json_t *now = json_pack("{s:s, s:s, s:s}", "train", all->sha256, "test", test->sha256,
                            "vocabulary", vocab);
    CHECK(now, ERR_FAILED, "out of memory");
    err e = OK;
    if (path_exists(path)) {
        json_t *then = NULL;
        e = json_read(path, &then);
        if (e == OK && !json_equal(now, then))
            e = err_raise(ERR_USAGE, __FILE__, __LINE__,
                          "the data or the vocabulary has changed since this study began (%s): "
                          "choose another directory",
                          path);
        json_decref(then);
    } else {
        e = json_write(path, now);
    }
    json_decref(now);
    return e;
}

err inputs_ancestor(const context *c, char sha256[65]) {
    char path[PATH_BYTES];
    CALL(path_join(path, c->start, "model.safetensors"));
    if (!path_exists(path)) /* in several files, which their index names */
        CALL(path_join(path, c->start, "model.safetensors.index.json"));
    return hash_file(path, sha256, NULL);
}
