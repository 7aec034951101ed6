/* comm.h: the MPI side of a par, for par, linalg and store only. */
#ifndef ESPALIER_PAR_COMM_H
#define ESPALIER_PAR_COMM_H

#include "par/par.h"

#include <mpi.h>

struct par_comm {
    MPI_Comm comm;
    int level;  /* thread level that MPI gave */
    int opened; /* 1: par_close ends MPI */
    int mpirun; /* 1: started by it */
};

MPI_Comm par_comm_mpi(const par *p);

/* pass an MPI error on as ours */
err par_mpi(int code, const char *what);
#define MPI_CALL(expr) CALL(par_mpi((expr), #expr))

#endif
