/* token sequences of a data set, and packed batches of them */
#include "base/arena.h"
#include "text/dataset.h"

#include <stdlib.h>
#include <string.h>

void examples_free(examples *x) {
    free(x->ids);
    free(x->offset);
    free(x->label);
    *x = (examples){0};
}

err examples_make(const dataset *d, const tokenizer *w, int max_length, examples *out) {
    examples x = {.n = d->n, .max_length = max_length};
    int32_t *sequence = NULL;
    size_t cap = 0;
    err e;
    TRY(mem_alloc((size_t)max_length, sizeof *sequence, &sequence));
    TRY(mem_alloc((size_t)d->n + 1, sizeof *x.offset, &x.offset));
    TRY(mem_alloc((size_t)d->n + 1, sizeof *x.label, &x.label));
    for (int i = 0; i < d->n; i++) {
        int cut = 0, len = 0;
        size_t bytes = (size_t)(d->offset[i + 1] - d->offset[i]) - 1;
        TRY(tokenizer_sequence(w, dataset_text(d, i), bytes, sequence, max_length, &len, &cut));
        size_t end = (size_t)x.offset[i] + (size_t)len;
        TRY(mem_grow(end, sizeof *x.ids, &x.ids, &cap));
        memcpy(x.ids + x.offset[i], sequence, (size_t)len * sizeof *sequence);
        x.offset[i + 1] = (int64_t)end;
        x.label[i] = d->label[i];
        x.cut += cut;
    }
    *out = x;
    x = (examples){0};
done:
    free(sequence);
    examples_free(&x);
    return e;
}

struct packer {
    const examples *x;
    int max_B;
    int32_t *ids, *offsets, *labels,
        *rows; /* (max_B * max_length), (max_B + 1), (max_B), (max_B) */
};

err packer_create(const examples *x, int max_B, packer **out) {
    packer *p = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *p, &p));
    p->x = x;
    p->max_B = max_B;
    TRY(mem_alloc((size_t)max_B * (size_t)x->max_length, sizeof *p->ids, &p->ids));
    TRY(mem_alloc((size_t)max_B + 1, sizeof *p->offsets, &p->offsets));
    TRY(mem_alloc((size_t)max_B, sizeof *p->labels, &p->labels));
    TRY(mem_alloc((size_t)max_B, sizeof *p->rows, &p->rows));
    *out = p;
    p = NULL;
done:
    packer_destroy(&p);
    return e;
}

void packer_destroy(packer **p) {
    if (!*p)
        return;
    free((*p)->ids);
    free((*p)->offsets);
    free((*p)->labels);
    free((*p)->rows);
    free(*p);
    *p = NULL;
}

err packer_pack(packer *p, const int32_t *index, int B, batch *out) {
    const examples *x = p->x;
    CHECK(B > 0 && B <= p->max_B, ERR_FAILED, "batch of %d sequences, at most %d", B, p->max_B);
    int32_t T = 0;
    for (int b = 0; b < B; b++) {
        int32_t i = index[b];
        CHECK(i >= 0 && i < x->n, ERR_FAILED, "example %d of %d", i, x->n);
        int32_t len = (int32_t)(x->offset[i + 1] - x->offset[i]);
        memcpy(p->ids + T, x->ids + x->offset[i], (size_t)len * sizeof *p->ids);
        p->offsets[b] = T;
        p->labels[b] = x->label[i];
        p->rows[b] = i;
        T += len;
    }
    p->offsets[B] = T;
    *out = (batch){.B = B,
                   .T = T,
                   .ids = p->ids,
                   .offsets = p->offsets,
                   .labels = p->labels,
                   .example = p->rows};
    return OK;
}
