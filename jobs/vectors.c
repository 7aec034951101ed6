#include "vectors.h"

#include "base/arena.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

err vectors_load(const vectors *v, const char *name, int64_t count, double **out) {
    const st_array *a = safetensors_find(v->s, name);
    int32_t *whole = NULL;
    err e = OK;
    CHECK(a && a->count == count, ERR_DATA, "%s: array \"%s\" is missing or not of %lld elements",
          v->file, name, (long long)count);
    CALL(mem_alloc((size_t)count, sizeof **out, out));
    if (a->dtype != ST_I32)
        return st_copy_f64(v->s, a, *out, count);
    TRY(mem_alloc((size_t)count, sizeof *whole, &whole));
    TRY(st_copy_i32(v->s, a, whole, count));
    for (int64_t i = 0; i < count; i++)
        (*out)[i] = whole[i];
done:
    free(whole);
    return e;
}

err vectors_compare(vectors *v, const char *who, const char *name, const double *mine,
                    int64_t count, double tolerance) {
    double *theirs = NULL, worst = 0.0, scale = 0.0;
    err e = vectors_load(v, name, count, &theirs);
    for (int64_t i = 0; i < count && e == OK; i++) {
        double gap = fabs(mine[i] - theirs[i]);
        worst = gap > worst || isnan(gap) ? gap : worst;
        scale = fmax(scale, fabs(theirs[i]));
    }
    free(theirs);
    CALL(e);
    worst = tolerance > 0.0 ? worst / scale : worst;
    int ok = worst <= tolerance;
    v->wrong += !ok;
    if (v->p->rank == 0)
        printf("%-12s %-18s worst %-8.2g tolerance %-6g %s\n", who, name, worst, tolerance,
               ok ? "ok" : "WRONG");
    return OK;
}
