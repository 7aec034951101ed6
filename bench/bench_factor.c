/* Cholesky factor and inverse by LAPACK on one rank and by ScaLAPACK over all: the crossover that
 * linalg's "auto" goes by. Start it under mpirun; `make bench NAME=factor` does, on 2 ranks. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "linalg/dense.h"
#include "linalg/linalg.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 2 };

/* well-conditioned: a covariance of 2 d random tokens, plus its mean diagonal; the same on all
 * ranks: (d, d) */
static err covariance(int d, double **out) {
    size_t n = 2 * (size_t)d * (size_t)d;
    double *x;
    CALL(mem_alloc(n, sizeof *x, &x));
    for (size_t i = 0; i < n; i += 4) {
        uint32_t r[4];
        rng_block(1, RNG_TEST, 0, (uint32_t)(i >> 32), (uint32_t)i, r);
        for (size_t k = 0; k < 4 && i + k < n; k++)
            x[i + k] = (double)rng_float(r[k]) - 0.5;
    }
    err e = mem_alloc((size_t)d * (size_t)d, sizeof **out, out);
    if (e == OK) {
        dense_gram(*out, x, 2 * d, d);
        dense_mirror(*out, d);
    }
    free(x);
    return e;
}

/* the faster of some turns, which is what the machine can do when left alone */
static err seconds_of(const par *p, const char *how, const double *a, int d, shared *inverse,
                      double *best) {
    linalg_report r;
    *best = 1e9;
    for (int i = 0; i < TURNS; i++) {
        CALL(par_barrier(p));
        double start = clock_now();
        CALL(linalg_spd_shared(p, inverse, NULL, 0, a, d, 0.0, how, &r));
        CALL(par_barrier(p));
        double took = clock_now() - start;
        *best = took < *best ? took : *best;
    }
    return OK;
}

/* all grids that use every rank */
static err bench_order(const par *p, int d) {
    err e = OK;
    double *a = NULL, local, took, least = 1e9;
    shared *inverse = NULL;
    TRY(par_agree(p, covariance(d, &a)));
    TRY(shared_create(p, (size_t)d * (size_t)d * sizeof *a, &inverse));
    TRY(seconds_of(p, "local", a, d, inverse, &local));
    if (p->rank == 0)
        printf("inverse   order %4d: local %6.3f s;", d, local);
    for (int rows = 1; rows <= p->size; rows++) {
        char how[40];
        if (p->size % rows)
            continue;
        snprintf(how, sizeof how, "distributed %dx%d", rows, p->size / rows);
        TRY(seconds_of(p, how, a, d, inverse, &took));
        least = took < least ? took : least;
        if (p->rank == 0)
            printf(" grid %dx%d %6.3f s;", rows, p->size / rows, took);
    }
    if (p->rank == 0)
        printf(" distributed over local %.2f\n", least / local);
done:
    free(a);
    shared_destroy(&inverse);
    return e;
}

int main(int argc, char **argv) {
    static const int ORDERS[] = {768, 1536, 3072, 4096};
    par *p;
    err e = OK;
    blas_start(argv);
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    blas_single_thread();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS && e == OK; i++)
        e = bench_order(p, ORDERS[i]);
    if (e != OK && p->rank == 0)
        fprintf(stderr, "bench_factor: %s\n", err_message());
    par_close(&p);
    return (int)e;
}
