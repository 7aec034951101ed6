#include "context.h"
#include "claim.h"
#include "kernel.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/seeds.h"
#include "io/atomic_file.h"
#include "io/lines.h"
#include "tensor/amx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the effective configuration is the study's identity: what is there must be the same, but for
 * variants that were added */
err context_open(const par *p, study **s, context **out) {
    context *c = NULL;
    strbuf text = {0};
    option_text folder;
    err e = mem_alloc(1, sizeof *c, &c);
    if (e == OK) {
        c->p = p;
        c->s = *s;
        *s = NULL;
        e = study_write(c->s, &text);
    }
    if (e == OK)
        e = seeds_folder(c->s, folder);
    if (e == OK) {
        const char *root = c->s->data.root[0] ? c->s->data.root : getenv("ESPALIER_DATA");
        snprintf(c->root, sizeof c->root, "%s", root ? root : "");
        snprintf(c->dir, sizeof c->dir, "%s", folder);
        e = path_join(c->journal, c->dir, "journal");
        if (e == OK)
            e = path_join(c->models, c->dir, "models");
    }
    TRY(par_agree(p, e));
    if (strcmp(c->s->model.matrix_unit, "off") == 0)
        amx_use(0);
    TRY(context_on_root(c, claim_folder, &text));
    TRY(context_on_root(c, kernel_note, NULL));
    log_info("study %s in %s, %d rank%s", c->s->study.name, c->dir, p->size,
             p->size == 1 ? "" : "s");
    *out = c;
done:
    strbuf_free(&text);
    if (e != OK)
        context_close(&c);
    return e;
}

uint64_t context_data_seed(const context *c) {
    return (uint64_t)(c->s->data.seed ? c->s->data.seed : c->s->study.seed);
}

err context_on_root(context *c, err (*fn)(context *c, void *arg), void *arg) {
    return par_agree(c->p, c->p->rank == 0 ? fn(c, arg) : OK);
}

err context_stage(context *c, stage s, stage_fn before, stage_fn own) {
    if (c->done & 1u << s)
        return OK;
    if (before)
        CALL(before(c));
    double start = clock_now();
    CALL(own(c));
    c->seconds[s] = clock_now() - start;
    c->done |= 1u << s;
    return OK;
}

err context_resolve(const context *c, const char *option, const char *path, char out[PATH_BYTES]) {
    snprintf(out, PATH_BYTES, "%s", path);
    if (path_exists(out))
        return OK;
    if (c->root[0] && path[0] != '/') {
        CALL(path_join(out, c->root, path));
        if (path_exists(out))
            return OK;
    }
    RAISE(ERR_USAGE, "%s: %s: %s does not exist%s%s", c->s->path, option, path,
          c->root[0] ? ", nor below " : " (data.root and ESPALIER_DATA are not set)", c->root);
}
