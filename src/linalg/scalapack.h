/* scalapack.h: what espalier uses of BLACS and ScaLAPACK, which come without a C header, and the
 * two structures that go with them. Private to linalg.
 *
 * ScaLAPACK's integers are 32-bit: indices into local storage are widened here, never there.
 * Fortran routines take the lengths of their text arguments at the end. */
#ifndef ESPALIER_LINALG_SCALAPACK_H
#define ESPALIER_LINALG_SCALAPACK_H

#include "par/par.h"

#include <mpi.h>
#include <stddef.h>

int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridinfo(int context, int *rows, int *cols, int *my_row, int *my_col);
void Cblacs_gridexit(int context);

int numroc_(const int *n, const int *nb, const int *me, const int *first, const int *count);
void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb,
               const int *irsrc, const int *icsrc, const int *context, const int *lld, int *info);

void pdpotrf_(const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *desca, int *info, size_t);
void pdpocon_(const char *uplo, const int *n, const double *a, const int *ia, const int *ja,
              const int *desca, const double *norm, double *rcond, double *work, const int *lwork,
              int *iwork, const int *liwork, int *info, size_t);
void pdpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *ia,
              const int *ja, const int *desca, double *b, const int *ib, const int *jb,
              const int *descb, int *info, size_t);
void pdpotri_(const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *desca, int *info, size_t);

/* A process grid over all ranks of a communicator: rank r stands in row r / cols, column r % cols.
 */
typedef struct grid {
    int handle, context;
    int rows, cols;
    int row, col; /* of this rank */
} grid;

/* A matrix over a grid in square blocks, column-major: block (i, j) is on grid row i % rows, grid
 * column j % cols. */
typedef struct blockcyclic {
    const grid *g;
    int m, n;   /* of the whole matrix */
    int lm, ln; /* of this rank's part; may be 0 */
    int desc[9];
    double *local; // (ln, lld), owned
    int lld;
} blockcyclic;

#endif
