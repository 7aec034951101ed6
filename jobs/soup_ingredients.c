/* the variants of which averages are made: which they are, and that they are what they were */
#include "soup_parts.h"

#include "base/arena.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "io/hash.h"

#include <stdio.h>
#include <string.h>

/* one that did not diverge; a random start beside pretrained ones is a contrast */
static err list_variant(context *c, int v) {
    averages *a = &c->soup;
    const variant *x = &c->s->variants[v];
    soup_ingredient *s = &a->s[a->n];
    snprintf(s->name, sizeof s->name, "%s", x->name);
    CALL(path_join(s->dir, c->models, x->name));
    s->p = c->start_model->c.p;
    s->contrast = strcmp(x->o.init, "random") == 0 && c->pretrained;
    if (!s->contrast)
        a->index[a->k++] = a->n;
    a->variant[a->n++] = v;
    return OK;
}

/* rank 0: the file is the one that was listed when the variant was finished */
static err check_files(context *c, void *arg) {
    (void)arg;
    for (int i = 0; i < c->soup.n; i++) {
        soup_ingredient *s = &c->soup.s[i];
        char path[PATH_BYTES], full[PATH_BYTES], hex[65];
        const char *listed, *made_from;
        snprintf(path, sizeof path, "models/%s/model.safetensors", s->name);
        CALL(path_join(full, c->dir, path));
        CALL(manifest_entry(c->manifest, path, &listed, &made_from));
        CALL(hash_file(full, hex, NULL));
        CHECK(strcmp(listed, hex) == 0, ERR_DATA,
              "%s is not the file that fine-tuning wrote (its SHA-256 differs from manifest.json): "
              "damaged, or from another study. Remove %s to train it again",
              full, s->dir);
        const char *start = strchr(made_from, ' '); /* "start SHA-256" */
        snprintf(s->ancestor, sizeof s->ancestor, "%s", start ? start + 1 : "");
    }
    return OK;
}

err soup_ingredients(context *c) {
    averages *a = &c->soup;
    const size_t n = (size_t)c->s->n_variants;
    err e = mem_alloc(n, sizeof *a->s, &a->s);
    if (e == OK)
        e = mem_alloc(n, sizeof *a->variant, &a->variant);
    if (e == OK)
        e = mem_alloc(n, sizeof *a->index, &a->index);
    for (int v = 0; v < c->s->n_variants && e == OK; v++)
        if (!c->sweep[v].train.diverged)
            e = list_variant(c, v);
    CALL(par_agree(c->p, e));
    CHECK(a->k > 0, ERR_FAILED,
          "no variant can be averaged: every one that has a pretrained start diverged; lower "
          "finetune.learning_rate");
    CALL(context_on_root(c, check_files, NULL));
    CALL(par_bcast(c->p, a->s, (size_t)a->n * sizeof *a->s, 0));
    return ingredients_check(c->p, a->s, a->n);
}
