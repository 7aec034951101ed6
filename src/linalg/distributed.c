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

static int in_grid(const grid *g) {
    return g->row >= 0;
}

/* Ranks 0 .. rows * cols - 1, row by row; the others take part in nothing but opening and closing.
 */
static err grid_open(const par *p, int rows, int cols, grid *g) {
    g->rows = rows;
    g->cols = cols;
    g->row = g->col = -1;
    g->handle = Csys2blacs_handle(par_comm_mpi(p));
    g->context = g->handle;
    Cblacs_gridinit(&g->context, "Row", rows, cols);
    if (p->rank >= rows * cols) {
        g->context = -1;
        return OK;
    }
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
    if (!in_grid(g))
        return OK;
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

/* the part of rank r, as blockcyclic's local without gaps, to its places in full (n, m) */
static void part_put(const blockcyclic *b, int r, const double *part, double *full) {
    const grid *g = b->g;
    int row = r / g->cols, col = r % g->cols;
    int lm = numroc_(&b->m, &block, &row, &zero, &g->rows);
    int ln = numroc_(&b->n, &block, &col, &zero, &g->cols);
    for (int j = 0; j < ln; j++) {
        double *column = full + whole(j, col, g->cols) * (size_t)b->m;
        for (int i = 0; i < lm; i++)
            column[whole(i, row, g->rows)] = part[(size_t)j * (size_t)lm + (size_t)i];
    }
}

static size_t part_count(const blockcyclic *b, int r) {
    const grid *g = b->g;
    int row = r / g->cols, col = r % g->cols;
    return (size_t)numroc_(&b->m, &block, &row, &zero, &g->rows) *
           (size_t)numroc_(&b->n, &block, &col, &zero, &g->cols);
}

/* The whole matrix to full, column-major (n, m): on every rank, or once on every node. One part at
 * a time, so that no rank holds more than that beside it. */
static err blockcyclic_collect(const par *p, const blockcyclic *b, const shared *node,
                               double *full) {
    err e = OK;
    double *part = NULL;
    int n = b->g->rows * b->g->cols, writes = !node || node->node->rank == 0;
    if (node && node->node->size == p->size) { /* one node: everybody writes what is his */
        if (in_grid(b->g))
            part_put(b, p->rank, b->local, full);
        return shared_sync(node);
    }
    TRY(par_agree(p, mem_alloc(part_count(b, 0) + 1, sizeof *part, &part))); /* 0's is largest */
    for (int r = 0; r < n; r++) {
        size_t count = part_count(b, r);
        if (p->rank == r && count)
            memcpy(part, b->local, count * sizeof *part);
        TRY(par_bcast(p, part, count * sizeof *part, r));
        if (writes)
            part_put(b, r, part, full);
    }
    if (node)
        TRY(shared_sync(node));
done:
    free(part);
    return e;
}

/* workspace of pdpocon for the estimate from the factor */
typedef struct estimate_room {
    int lwork, liwork;
    double *work;
    int *iwork;
} estimate_room;

static err room_create(const blockcyclic *a, estimate_room *r) {
    int info, more = -1;
    double size = 0.0, norm = 1.0, rcond;
    *r = (estimate_room){0};
    if (!in_grid(a->g))
        return OK;
    pdpocon_("U", &a->n, a->local, &one, &one, a->desc, &norm, &rcond, &size, &more, &r->liwork,
             &more, &info, 1);
    CALL(argument("pdpocon", info));
    r->lwork = (int)size;
    CALL(mem_alloc((size_t)r->lwork + 1, sizeof *r->work, &r->work));
    return mem_alloc((size_t)r->liwork + 1, sizeof *r->iwork, &r->iwork);
}

static void room_free(estimate_room *r) {
    free(r->work);
    free(r->iwork);
    *r = (estimate_room){0};
}

/* factor, then what is asked, on the ranks of the grid; *rcond 0: it failed for the numbers */
static err factor_and_use(const distributed_job *j, blockcyclic *a, blockcyclic *b,
                          estimate_room *room, double *rcond) {
    int info;
    pdpotrf_("U", &a->n, a->local, &one, &one, a->desc, &info, 1);
    CALL(argument("pdpotrf", info));
    if (info > 0)
        return OK;
    pdpocon_("U", &a->n, a->local, &one, &one, a->desc, &j->norm, rcond, room->work, &room->lwork,
             room->iwork, &room->liwork, &info, 1);
    CALL(argument("pdpocon", info));
    if (!(*rcond > j->least)) {
        *rcond = 0.0;
        return OK;
    }
    if (b->n > 0) {
        pdpotrs_("U", &a->n, &b->n, a->local, &one, &one, a->desc, b->local, &one, &one, b->desc,
                 &info, 1);
        CALL(argument("pdpotrs", info));
    }
    if (j->inverse) {
        pdpotri_("U", &a->n, a->local, &one, &one, a->desc, &info, 1);
        CALL(argument("pdpotri", info));
        CHECK(info == 0, ERR_FAILED, "pdpotri: the factor of order %d has a zero on its diagonal",
              a->n);
    }
    return OK;
}

static err collect(const par *p, const distributed_job *j, const blockcyclic *a,
                   const blockcyclic *b) {
    if (b->n > 0)
        CALL(blockcyclic_collect(p, b, NULL, j->x));
    if (!j->inverse)
        return OK;
    CALL(blockcyclic_collect(p, a, j->node, j->inverse));
    if (!j->node || j->node->node->rank == 0)
        dense_mirror(j->inverse, j->d);
    return j->node ? shared_sync(j->node) : OK;
}

/* the diagonal of a + ridge I, where this rank holds it */
static void add_ridge(blockcyclic *a, double ridge) {
    for (int j = 0; j < a->ln; j++)
        for (int i = 0; i < a->lm; i++)
            if (whole(i, a->g->row, a->g->rows) == whole(j, a->g->col, a->g->cols))
                a->local[(size_t)j * (size_t)a->lld + (size_t)i] += ridge;
}

err distributed_spd(const par *p, const distributed_job *j) {
    err e = OK;
    grid g = {.handle = -1, .context = -1};
    blockcyclic a = {0}, b = {0};
    estimate_room room = {0};
    int m = j->x ? j->m : 0;
    TRY(par_agree(p, grid_open(p, j->rows, j->cols, &g)));
    e = blockcyclic_create(&a, &g, j->d, j->d);
    if (e == OK)
        e = blockcyclic_create(&b, &g, j->d, m);
    if (e == OK)
        e = room_create(&a, &room);
    TRY(par_agree(p, e));
    /* a is symmetric, and x by rows is its right-hand sides by columns: both are column-major as
     * they stand */
    blockcyclic_take(&a, j->a);
    add_ridge(&a, j->ridge);
    blockcyclic_take(&b, j->x);
    *j->rcond = 0.0;
    if (in_grid(&g))
        e = factor_and_use(j, &a, &b, &room, j->rcond);
    TRY(par_agree(p, e));
    TRY(par_bcast(p, j->rcond, sizeof *j->rcond, 0)); /* to ranks beyond the grid */
    if (*j->rcond > 0.0)
        TRY(collect(p, j, &a, &b));
done:
    room_free(&room);
    blockcyclic_destroy(&a);
    blockcyclic_destroy(&b);
    grid_close(&g);
    return e;
}
