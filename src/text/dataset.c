#include "text/dataset.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dataset_free(dataset *d) {
    free(d->bytes);
    free(d->offset);
    free(d->label);
    *d = (dataset){0};
}

err dataset_select(const dataset *d, const int32_t *index, int n, dataset *out) {
    dataset r = *d;
    r.bytes = NULL;
    r.offset = NULL;
    r.label = NULL;
    r.n = n;
    err e;
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += (size_t)(d->offset[index[i] + 1] - d->offset[index[i]]);
    TRY(mem_alloc(total + 1, 1, &r.bytes));
    TRY(mem_alloc((size_t)n + 1, sizeof *r.offset, &r.offset));
    TRY(mem_alloc((size_t)n + 1, sizeof *r.label, &r.label));
    for (int i = 0; i < n; i++) {
        int64_t begin = d->offset[index[i]], len = d->offset[index[i] + 1] - begin;
        memcpy(r.bytes + r.offset[i], d->bytes + begin, (size_t)len);
        r.offset[i + 1] = r.offset[i] + len;
        r.label[i] = d->label[index[i]];
    }
    *out = r;
    return OK;
done:
    dataset_free(&r);
    return e;
}

static int ascending(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

err dataset_sample(const dataset *d, uint64_t seed, uint32_t purpose, int n, int32_t *index) {
    CHECK(n >= 0 && n <= d->n, ERR_USAGE, "%s, %s: a sample of %d examples is wanted, there are %d",
          d->name, d->split, n, d->n);
    int32_t *all = NULL;
    CALL(mem_alloc((size_t)d->n + 1, sizeof *all, &all));
    for (int i = 0; i < d->n; i++)
        all[i] = i;
    rng_stream rng = rng_open(seed, purpose, 0, 0);
    rng_shuffle(&rng, all, d->n);
    memcpy(index, all, (size_t)n * sizeof *index);
    qsort(index, (size_t)n, sizeof *index, ascending);
    free(all);
    return OK;
}

err dataset_split(const dataset *d, uint64_t seed, int heldout, dataset *train, dataset *held) {
    CHECK(heldout > 0 && heldout < d->n, ERR_USAGE,
          "data.heldout_examples is %d, but the training set of %s has %d examples", heldout,
          d->name, d->n);
    int32_t *in = NULL, *out = NULL;
    err e;
    TRY(mem_alloc((size_t)d->n, sizeof *in, &in));
    TRY(mem_alloc((size_t)d->n, sizeof *out, &out));
    TRY(dataset_sample(d, seed, RNG_SPLIT, heldout, in));
    for (int i = 0, k = 0, j = 0; i < d->n; i++) {
        if (k < heldout && in[k] == i)
            k++;
        else
            out[j++] = i;
    }
    TRY(dataset_select(d, in, heldout, held));
    snprintf(held->split, sizeof held->split, "heldout");
    TRY(dataset_select(d, out, d->n - heldout, train));
done:
    free(in);
    free(out);
    return e;
}

err dataset_bcast(const par *p, dataset *d, int root) {
    dataset r = *d;
    CALL(par_bcast(p, &r, sizeof r, root));
    size_t sizes[3] = {0};
    if (p->rank == root) {
        sizes[0] = (size_t)d->offset[d->n];
        sizes[1] = ((size_t)d->n + 1) * sizeof *d->offset;
        sizes[2] = (size_t)d->n * sizeof *d->label;
    }
    if (p->rank != root)
        r.bytes = NULL, r.offset = NULL, r.label = NULL;
    char *offset = (char *)r.offset, *label = (char *)r.label;
    err e = par_bcast_alloc(p, &r.bytes, &sizes[0], root);
    if (e == OK)
        e = par_bcast_alloc(p, &offset, &sizes[1], root);
    if (e == OK)
        e = par_bcast_alloc(p, &label, &sizes[2], root);
    if (p->rank != root) {
        r.offset = (int64_t *)(void *)offset;
        r.label = (int32_t *)(void *)label;
        *d = r;
    }
    return e;
}

void dataset_log(const dataset *d) {
    int count[16] = {0};
    for (int i = 0; i < d->n; i++)
        count[d->label[i] & 15]++;
    char text[512] = "";
    size_t at = 0;
    for (int k = 0; k < d->K && k < 16 && at < sizeof text; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %.1f %%", k ? ", " : ": ",
                               d->label_name[k], 100.0 * count[k] / d->n);
    log_info("%s %s: %d examples%s, sha256 %.12s...", d->name, d->split, d->n, text, d->sha256);
}
