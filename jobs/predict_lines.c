#include "predict.h"

#include "base/arena.h"
#include "io/lines.h"

#include <stdio.h>
#include <string.h>

/* the lines one after the other, each with its NUL; offsets and labels are zeros so far */
static err copy_lines(const lines *in, dataset *d) {
    int64_t at = 0;
    CALL(mem_alloc(in->n_bytes + 1, 1, &d->bytes));
    CALL(mem_alloc((size_t)in->n + 1, sizeof *d->offset, &d->offset));
    CALL(mem_alloc((size_t)in->n, sizeof *d->label, &d->label));
    for (int i = 0; i < in->n; i++) {
        size_t n = strlen(in->line[i]) + 1;
        memcpy(d->bytes + at, in->line[i], n);
        at += (int64_t)n;
        d->offset[i + 1] = at;
    }
    d->n = in->n;
    return OK;
}

err predict_lines(const char *path, dataset *out) {
    lines in;
    CALL(lines_read(path, &in));
    *out = (dataset){.file_bytes = (int64_t)in.n_bytes};
    snprintf(out->name, sizeof out->name, "text");
    err e = copy_lines(&in, out);
    if (e != OK)
        dataset_free(out);
    lines_free(&in);
    return e;
}
