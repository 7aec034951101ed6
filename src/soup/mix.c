#include "soup/mix.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 17 }; /* floats: half a MiB of each ingredient, one of sums, stay in cache */

/* the files of some ingredients, side by side */
typedef struct pantry {
    int n;
    safetensors **file;    // (n)
    const char **dir;      // (n)
    encoder_array *array;  // (arrays)
    const st_array **view; // (arrays, n)
    int arrays;
    float *piece; // (PIECE)
} pantry;

static void pantry_close(pantry *p) {
    for (int i = 0; p->file && i < p->n; i++)
        safetensors_close(&p->file[i]);
    free(p->file);
    free(p->dir);
    free(p->array);
    free(p->view);
    free(p->piece);
}

static err pantry_open(pantry *p, const soup_ingredient *s, const int *index, int n,
                       const encoder_config *c) {
    char path[4096];
    p->n = n;
    p->arrays = encoder_arrays(c, NULL, 0);
    CALL(mem_alloc((size_t)n, sizeof *p->file, &p->file));
    CALL(mem_alloc((size_t)n, sizeof(char *), &p->dir));
    CALL(mem_alloc((size_t)p->arrays, sizeof *p->array, &p->array));
    CALL(mem_alloc((size_t)p->arrays * (size_t)n, sizeof(st_array *), &p->view));
    CALL(mem_alloc(PIECE, sizeof *p->piece, &p->piece));
    encoder_arrays(c, p->array, p->arrays);
    for (int i = 0; i < n; i++) {
        p->dir[i] = s[index[i]].dir;
        CALL(path_join(path, p->dir[i], "model.safetensors"));
        CALL(safetensors_open(path, &p->file[i]));
        for (int a = 0; a < p->arrays; a++) {
            const encoder_array *want = &p->array[a];
            const st_array *view = safetensors_find(p->file[i], want->name);
            CHECK(view && view->dtype == ST_F32 && view->count == (int64_t)want->rows * want->cols,
                  ERR_DATA, "%s: array %s is not there, or not %d x %d numbers of float32", path,
                  want->name, want->rows, want->cols);
            p->view[(size_t)a * (size_t)n + (size_t)i] = view;
        }
    }
    return OK;
}

/* count numbers of array a of ingredient i, from number first, into p->piece */
static err fetch(pantry *p, int a, int i, size_t first, size_t count) {
    st_array part = *p->view[(size_t)a * (size_t)p->n + (size_t)i];
    part.data = (const char *)part.data + first * sizeof(float);
    part.count = (int64_t)count;
    CALL(st_copy_f32(p->file[i], &part, p->piece, part.count));
    safetensors_forget(p->file[i], part.data, count * sizeof(float));
    return OK;
}

static size_t floats_of(const encoder_array *a) {
    return (size_t)a->rows * (size_t)a->cols;
}

static size_t piece_of(const encoder_array *a, size_t first) {
    const size_t left = floats_of(a) - first;
    return left < PIECE ? left : PIECE;
}

/* out (count) of one piece; sum (PIECE) is scratch */
static err mix_piece(pantry *p, int a, size_t first, size_t count, const double *weight,
                     double *sum, float *out) {
    memset(sum, 0, count * sizeof *sum);
    for (int i = 0; i < p->n; i++) {
        CALL(fetch(p, a, i, first, count));
        const double w = weight ? weight[i] : 1.0;
        for (size_t j = 0; j < count; j++)
            sum[j] += w * (double)p->piece[j];
    }
    for (size_t j = 0; j < count; j++)
        out[j] = (float)(weight ? sum[j] : sum[j] / p->n);
    return OK;
}

err soup_mix(const soup_ingredient *s, const int *index, const double *weight, int n,
             encoder **out) {
    encoder *m = NULL;
    pantry p = {0};
    double *sum = NULL; // (PIECE)
    CHECK(n > 0, ERR_FAILED, "there is nothing to average: no variant was trained to its end");
    err e;
    /* the first one's block takes the result */
    TRY(encoder_load(s[index[0]].dir, (encoder_want){.classes = -1, .mlm = -1}, &m));
    m->c.p = s[index[0]].p;
    if (n > 1 || weight) {
        TRY(pantry_open(&p, s, index, n, &m->c));
        TRY(mem_alloc(PIECE, sizeof *sum, &sum));
    }
    for (int a = 0; a < p.arrays; a++)
        for (size_t first = 0; first < floats_of(&p.array[a]); first += PIECE)
            TRY(mix_piece(&p, a, first, piece_of(&p.array[a], first), weight, sum,
                          m->block + p.array[a].offset + first));
    *out = m;
    m = NULL;
done:
    encoder_destroy(&m);
    pantry_close(&p);
    free(sum);
    return e;
}

err soup_dots(const soup_ingredient *s, const int *index, int n, const encoder_config *c,
              const float *x, double *dots) {
    pantry p = {0};
    err e;
    memset(dots, 0, (size_t)n * sizeof *dots);
    TRY(pantry_open(&p, s, index, n, c));
    for (int a = 0; a < p.arrays; a++)
        for (size_t first = 0; first < floats_of(&p.array[a]); first += PIECE)
            for (int i = 0; i < n; i++) {
                const size_t count = piece_of(&p.array[a], first);
                const float *other = x + p.array[a].offset + first;
                TRY(fetch(&p, a, i, first, count));
                for (size_t j = 0; j < count; j++)
                    dots[i] += (double)p.piece[j] * (double)other[j];
            }
done:
    pantry_close(&p);
    return e;
}
