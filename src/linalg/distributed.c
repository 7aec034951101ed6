#include "linalg/distributed.h"

#include "base/arena.h"
#include "linalg/dense.h"
#include "linalg/scalapack.h"
#include "par/comm.h"

#include <stdlib.h>
#include <string.h>

/* side of a block: ScaLAPACK's users' guide advises 32 to 64 for dense factorisations */
enum { BLOCK = 64 };

static const int zero = 0, one = 1, block = BLOCK;

/* info < 0 is a wrong argument: our bug. info > 0 is about the numbers: the callers below. */
static err argument(const char *routine, int info) {
    CHECK(info >= 0, ERR_FAILED, "%s: argument %d is illegal: a bug in espalier, please report it",
          routine, -info);
    return OK;
}

static err grid_open(const par *p, grid *g) {
    g->rows = 1;
    for (int r = 2; r * r <= p->size; r++)
        if (p->size % r == 0)
            g->rows = r; /* the largest divisor up to the square root */
    g->cols = p->size / g->rows;
    g->handle = Csys2blacs_handle(par_comm_mpi(p));
    g->context = g->handle;
    Cblacs_gridinit(&g->context, "Row", g->rows, g->cols);
    int rows, cols;
    Cblacs_gridinfo(g->context, &rows, &cols, &g->row, &g->col);
    CHECK(rows == g->rows && cols == g->cols && g->row * g->cols + g->col == p->rank, ERR_FAILED,
          "BLACS gave a grid of %d x %d instead of %d x %d", rows, cols, g->rows, g->cols);
    return OK;
}

static void grid_close(grid *g) {
    if (g->context >= 0)
        Cblacs_gridexit(g->context);
    if (g->handle >= 0)
        Cfree_blacs_system_handle(g->handle);
    g->context = g->handle = -1;
}

static err blockcyclic_create(blockcyclic *b, const grid *g, int m, int n) {
    *b = (blockcyclic){.g = g, .m = m, .n = n};
    b->lm = numroc_(&m, &block, &g->row, &zero, &g->rows);
    b->ln = numroc_(&n, &block, &g->col, &zero, &g->cols);
    b->lld = b->lm > 1 ? b->lm : 1;
    int info;
    descinit_(b->desc, &m, &n, &block, &block, &zero, &zero, &g->context, &b->lld, &info);
    CALL(argument("descinit", info));
    return mem_alloc((size_t)b->lld * (size_t)(b->ln > 1 ? b->ln : 1), sizeof *b->local, &b->local);
}

static void blockcyclic_destroy(blockcyclic *b) {
    free(b->local);
    b->local = NULL;
}

/* the index in the whole of index i of the part of process `me` of `count` */
static size_t whole(int i, int me, int count) {
    return ((size_t)(i / BLOCK) * (size_t)count + (size_t)me) * BLOCK + (size_t)(i % BLOCK);
}

/* this rank's part of full, column-major (n, m), which every rank has */
static void blockcyclic_take(blockcyclic *b, const double *full) {
    for (int j = 0; j < b->ln; j++) {
        const double *column = full + whole(j, b->g->col, b->g->cols) * (size_t)b->m;
        for (int i = 0; i < b->lm; i++)
            b->local[(size_t)j * (size_t)b->lld + (size_t)i] =
                column[whole(i, b->g->row, b->g->rows)];
    }
}

/* the whole matrix on every rank: full, column-major (n, m) */
static err blockcyclic_gather(const par *p, const blockcyclic *b, double *full) {
    char *bytes = NULL;
    size_t *offsets = NULL;
    const grid *g = b->g;
    CALL(par_allgather(p, b->local, (size_t)b->lm * (size_t)b->ln * sizeof(double), &bytes,
                       &offsets));
    for (int r = 0; r < p->size; r++) {
        int row = r / g->cols, col = r % g->cols;
        int lm = numroc_(&b->m, &block, &row, &zero, &g->rows);
        int ln = numroc_(&b->n, &block, &col, &zero, &g->cols);
        const char *part = bytes + offsets[r];
        for (int j = 0; j < ln; j++) {
            double *column = full + whole(j, col, g->cols) * (size_t)b->m;
            for (int i = 0; i < lm; i++, part += sizeof(double))
                memcpy(&column[whole(i, row, g->rows)], part, sizeof(double));
        }
    }
    free(bytes);
    free(offsets);
    return OK;
}

/* reciprocal condition estimate from the factor */
static err estimate(const par *p, const blockcyclic *a, double norm, double *rcond) {
    err e = OK;
    int info, more = -1, liwork = 0, lwork = 0, *iwork = NULL;
    double size = 0.0, *work = NULL;
    pdpocon_("U", &a->n, a->local, &one, &one, a->desc, &norm, rcond, &size, &more, &liwork, &more,
             &info, 1);
    CALL(argument("pdpocon", info));
    lwork = (int)size;
    TRY(mem_alloc((size_t)lwork, sizeof *work, &work));
    TRY(mem_alloc((size_t)liwork, sizeof *iwork, &iwork));
done:
    e = par_agree(p, e);
    if (e == OK) {
        pdpocon_("U", &a->n, a->local, &one, &one, a->desc, &norm, rcond, work, &lwork, iwork,
                 &liwork, &info, 1);
        e = argument("pdpocon", info);
    }
    free(work);
    free(iwork);
    return e;
}

/* factor, then what is asked; b holds the right-hand sides and is NULL without any */
static err factor_and_use(const par *p, blockcyclic *a, blockcyclic *b, int invert, double norm,
                          double least, double *rcond) {
    int info;
    *rcond = 0.0;
    pdpotrf_("U", &a->n, a->local, &one, &one, a->desc, &info, 1);
    CALL(argument("pdpotrf", info));
    if (info > 0)
        return OK;
    CALL(estimate(p, a, norm, rcond));
    if (!(*rcond > least)) {
        *rcond = 0.0;
        return OK;
    }
    if (b) {
        pdpotrs_("U", &a->n, &b->n, a->local, &one, &one, a->desc, b->local, &one, &one, b->desc,
                 &info, 1);
        CALL(argument("pdpotrs", info));
    }
    if (invert) {
        pdpotri_("U", &a->n, a->local, &one, &one, a->desc, &info, 1);
        CALL(argument("pdpotri", info));
        CHECK(info == 0, ERR_FAILED, "pdpotri: the factor of order %d has a zero on its diagonal",
              a->n);
    }
    return OK;
}

err distributed_spd(const par *p, double *inverse, double *x, int m, const double *a, int d,
                    double norm, double least, double *rcond) {
    err e = OK;
    grid g = {.handle = -1, .context = -1};
    blockcyclic ga = {0}, gx = {0};
    int solve = x && m > 0;
    TRY(par_agree(p, grid_open(p, &g)));
    e = blockcyclic_create(&ga, &g, d, d);
    if (e == OK && solve)
        e = blockcyclic_create(&gx, &g, d, m);
    TRY(par_agree(p, e));
    /* a is symmetric, and x by rows is its right-hand sides by columns: both are column-major as
     * they stand */
    blockcyclic_take(&ga, a);
    if (solve)
        blockcyclic_take(&gx, x);
    TRY(par_agree(p,
                  factor_and_use(p, &ga, solve ? &gx : NULL, inverse != NULL, norm, least, rcond)));
    if (*rcond > 0.0 && solve)
        TRY(blockcyclic_gather(p, &gx, x));
    if (*rcond > 0.0 && inverse) {
        TRY(blockcyclic_gather(p, &ga, inverse));
        dense_mirror(inverse, d);
    }
done:
    blockcyclic_destroy(&ga);
    blockcyclic_destroy(&gx);
    grid_close(&g);
    return e;
}
