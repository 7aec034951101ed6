#include "prune/finished.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

/* the rank that keeps the file; how many arrays stand before those of the model */
enum { KEEPER = 0, EXTRA = 3 };

/* what the allocation came from: its file's bytes, where there is one */
static err allocation_key(const prune_job *j, char key[65]) {
    const char *file = j->allocation_file ? j->allocation_file : j->o->allocation_file;
    key[0] = '\0';
    return strcmp(j->o->allocation, "file") == 0 ? hash_file(file, key, NULL) : OK;
}

err finished_key(const prune_job *j, char key[65]) {
    char model[65], ids[65], offsets[65], shares[65], how[64];
    const prune_options *o = j->o;
    const examples *x = j->calibration;
    strbuf b = {0};
    CALL(allocation_key(j, shares));
    hash_bytes(j->dense->block, j->dense->n * sizeof(float), model);
    hash_bytes(x->ids, (size_t)x->offset[x->n] * sizeof *x->ids, ids);
    hash_bytes(x->offset, ((size_t)x->n + 1) * sizeof *x->offset, offsets);
    prune_factorisation(o, how);
    err e =
        strbuf_printf(&b, "%s %s %s %s %.17g %s %llu %s %s %lld %lld %.17g %s %s %d %s", model, ids,
                      offsets, j->method, j->sparsity, j->pattern ? j->pattern : "-",
                      (unsigned long long)j->seed, o->allocation, shares, (long long)o->swaps,
                      (long long)o->chunk, o->damping, o->hessian, o->target, o->refit_bias, how);
    if (e == OK && j->trace > 0.0)
        e = strbuf_printf(&b, " %.17g", j->trace);
    if (e == OK)
        hash_bytes(b.text, b.len, key);
    strbuf_free(&b);
    return e;
}

/* every array of m into out: at most EXTRA + all of them; returns how many belong to blocks <
 * blocks */
static int arrays_of(const encoder *m, int blocks, encoder_array *all, int cap, st_array *out) {
    int n = encoder_arrays(&m->c, all, cap), kept = 0;
    for (int i = 0; i < n && i < cap; i++)
        if (all[i].layer >= 0 && all[i].layer < blocks)
            out[kept++] = (st_array){.name = all[i].name,
                                     .dtype = ST_F32,
                                     .rank = 2,
                                     .shape = {all[i].rows, all[i].cols},
                                     .count = (int64_t)all[i].rows * all[i].cols,
                                     .data = m->block + all[i].offset};
    return kept;
}

static err lists_create(const encoder *m, int *cap, encoder_array **all, st_array **out) {
    *cap = encoder_arrays(&m->c, NULL, 0);
    CALL(mem_alloc((size_t)*cap, sizeof **all, all));
    return mem_alloc((size_t)(*cap + EXTRA), sizeof **out, out);
}

static err keeper_write(const char *path, const char *key, const encoder *m, int blocks,
                        const prune_layer *rows, int n) {
    err e = OK;
    int cap;
    int32_t done = blocks;
    int64_t bytes = (int64_t)n * (int64_t)sizeof *rows;
    encoder_array *all = NULL;
    st_array *out = NULL;
    TRY(lists_create(m, &cap, &all, &out));
    out[0] = (st_array){"key", ST_U8, 1, {64}, 64, key};
    out[1] = (st_array){"blocks", ST_I32, 1, {1}, 1, &done};
    out[2] = (st_array){"rows", ST_U8, 1, {bytes}, bytes, rows};
    int kept = arrays_of(m, blocks, all, cap, out + EXTRA);
    TRY(safetensors_write(path, out, EXTRA + kept));
done:
    free(all);
    free(out);
    return e;
}

err finished_write(const prune_job *j, const char *key, const encoder *m, int blocks,
                   const prune_layer *rows, int n) {
    err e = OK;
    if (j->p->rank == KEEPER)
        e = keeper_write(j->checkpoint, key, m, blocks, rows, n);
    return par_agree(j->p, e);
}

/* the array called name, of the dtype and number of elements that it must have */
static err array_find(const safetensors *s, const char *path, const char *name, st_dtype dtype,
                      int64_t count, const st_array **out) {
    *out = safetensors_find(s, name);
    CHECK(
        *out && (*out)->dtype == dtype && (*out)->count == count, ERR_DATA,
        "%s: not a checkpoint of this pruning (array \"%s\"): remove it to start this model again",
        path, name);
    return OK;
}

static err keeper_read(const char *path, const char *key, encoder *m, int *blocks,
                       prune_layer *rows, int *n) {
    err e = OK;
    safetensors *s = NULL;
    const st_array *a;
    encoder_array *all = NULL;
    st_array *want = NULL;
    int cap;
    int32_t done;
    TRY(safetensors_open(path, &s));
    TRY(array_find(s, path, "key", ST_U8, 64, &a));
    ENSURE(
        memcmp(a->data, key, 64) == 0, ERR_DATA,
        "%s: a checkpoint of another model, other calibration sentences or other options: remove "
        "it to start this model again",
        path);
    TRY(array_find(s, path, "blocks", ST_I32, 1, &a));
    memcpy(&done, a->data, sizeof done);
    ENSURE(done > 0 && done <= m->c.L, ERR_DATA, "%s: %d finished blocks of %d", path, (int)done,
           m->c.L);
    int64_t bytes = (int64_t)done * LINEAR_COUNT * (int64_t)sizeof *rows;
    TRY(array_find(s, path, "rows", ST_U8, bytes, &a));
    memcpy(rows, a->data, (size_t)bytes);
    TRY(lists_create(m, &cap, &all, &want));
    int kept = arrays_of(m, done, all, cap, want);
    for (int i = 0; i < kept; i++) {
        TRY(array_find(s, path, want[i].name, ST_F32, want[i].count, &a));
        TRY(st_copy_f32(s, a, m->block + ((const float *)want[i].data - m->block), a->count));
    }
    *blocks = done;
    *n = done * LINEAR_COUNT;
done:
    safetensors_close(&s);
    free(all);
    free(want);
    return e;
}

err finished_read(const prune_job *j, const char *key, encoder *m, int *blocks, prune_layer *rows,
                  int *n) {
    err e = OK;
    int found[2] = {0, 0};
    if (j->p->rank == KEEPER && path_exists(j->checkpoint))
        e = keeper_read(j->checkpoint, key, m, &found[0], rows, &found[1]);
    CALL(par_agree(j->p, e));
    CALL(par_bcast(j->p, found, sizeof found, KEEPER));
    *blocks = found[0];
    *n = found[1];
    if (found[0] == 0)
        return OK;
    CALL(par_bcast(j->p, rows, (size_t)found[1] * sizeof *rows, KEEPER));
    return par_bcast(j->p, m->block, m->n * sizeof *m->block, KEEPER);
}
