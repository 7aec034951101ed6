/* times and provenance: what differs from run to run and is never compared */
#include "rows.h"
#include "version.h"

#include "base/clock.h"
#include "io/restarts.h"
#include "par/describe.h"
#include "store/library.h"
#include "tensor/blas.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static err provenance(store_content *s, const char *key, const char *value) {
    store_provenance *r;
    CALL(store_add_provenance(s, &r));
    store_text(r->key, sizeof r->key, key);
    store_text(r->value, sizeof r->value, value);
    return OK;
}

err rows_run(store_content *s, const context *c) {
    static const char *const names[] = {"prepare", "pretrain", "finetune",
                                        "soup",    "prune",    "attack"};
    for (int i = PREPARE; i <= ATTACK; i++) {
        store_timing *r;
        CALL(store_add_timings(s, &r));
        store_text(r->stage, sizeof r->stage, names[i]);
        r->rank = -1;
        r->seconds = c->seconds[i];
        r->rate = NAN; /* stages have no common unit */
    }
    char text[512], host[256] = "";
    gethostname(host, sizeof host - 1);
    CALL(provenance(s, "espalier", version_text()));
    CALL(provenance(s, "compiler", version_compiler()));
    CALL(provenance(s, "flags", version_flags()));
    blas_describe(text, sizeof text);
    CALL(provenance(s, "blas", text));
    par_describe(text, sizeof text);
    CALL(provenance(s, "mpi", text));
    store_library(text, sizeof text);
    CALL(provenance(s, "hdf5", text));
    strbuf attack_text = {0};
    err e = attack_describe(c->attack, &attack_text);
    if (e == OK)
        e = provenance(s, "attack", attack_text.text);
    strbuf_free(&attack_text);
    CALL(e);
    if (c->usage.available > 0) {
        snprintf(text, sizeof text, "%.4f of %.1f rank-seconds",
                 c->usage.training / c->usage.available, c->usage.available);
        CALL(provenance(s, "finetune: share in training", text));
    }
    snprintf(text, sizeof text, "%d", c->p->size);
    CALL(provenance(s, "ranks", text));
    snprintf(text, sizeof text, "%lld", (long long)restarts_count(c->dir));
    CALL(provenance(s, "starts", text));
    CALL(provenance(s, "host", host));
    clock_utc(text);
    return provenance(s, "written", text);
}
