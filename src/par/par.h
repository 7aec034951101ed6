/* par.h: the ranks of a run. Layers above see no MPI; par, linalg and store include par/comm.h. */
#ifndef ESPALIER_PAR_PAR_H
#define ESPALIER_PAR_PAR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct par_comm par_comm;

typedef struct par {
    int rank, size;
    par_comm *comm;
} par;

/* Start MPI (thread level multiple where it is offered). Works without mpirun: one rank.
 * ERR_USAGE when the launcher (mpirun, srun, hydra: by their environment) started more ranks than
 * MPI sees, or is an srun without PMIx: every rank would believe it is rank 0 of 1. Caller closes.
 * Collective. */
err par_open(int *argc, char ***argv, par **out);
void par_close(par **p);
/* This rank alone as a world of one, inside a run (tests; work that must not be shared). Caller
 * closes with par_close. Not collective. */
err par_self(par **out);
/* The same without MPI: what is declared below makes no MPI call on a par of one rank (a queue does
 * and wants par_self). Nothing to close. */
static inline par par_alone(void) {
    return (par){.size = 1};
}
/* The ranks of p in groups: those that say the same number >= 0 are one, in the order of their
 * ranks in p; those that say less get NULL. Caller closes with par_close, on all ranks of the
 * group. Collective over p. */
err par_split(const par *p, int group, par **out);
/* The ranks of p that share this rank's node, in the order of their ranks. Caller closes, on all of
 * them. Collective over p. */
err par_split_nodes(const par *p, par **out);
/* 1 if mpirun started this world. Such a run says how it stopped by a file, not by its exit code:
 * mpirun kills the other ranks when one ends with another code than 0. Not collective. */
int par_under_mpirun(const par *p);
/* 1 on the one rank of a group that reads and writes files for the others. */
static inline int par_first(const par *p) {
    return p->rank == 0;
}
/* End all ranks at once with this exit code, for errors that cannot be agreed on. */
_Noreturn void par_abort(const par *p, int code);

/* Agree on failure: returns OK only if mine is OK on every rank; otherwise the error of the lowest
 * failing rank, its message and place on every rank. Called before any collective that not all
 * ranks may reach. Collective. */
err par_agree(const par *p, err mine);
/* 1 if cond holds on every rank. Collective. */
int par_all(const par *p, int cond);

err par_barrier(const par *p);
/* n bytes of root to all; in pieces of at most 1 GiB. Collective. */
err par_bcast(const par *p, void *bytes, size_t n, int root);
/* A byte string of root to all: *bytes is allocated on the other ranks (caller frees). Collective.
 */
err par_bcast_alloc(const par *p, char **bytes, size_t *n, int root);
/* Every rank's byte string to every rank, in rank order: out (offsets[size]) and offsets
 * (size + 1) are allocated, caller frees both. Collective. */
err par_allgather(const par *p, const void *bytes, size_t n, char **out, size_t **offsets);
err par_sum_i64(const par *p, int64_t *x, size_t n); /* exact. Collective. */
err par_max_i64(const par *p, int64_t *x, size_t n);
err par_max_f64(const par *p, double *x, size_t n); /* no NaN among x. Collective. */

/* n bytes to or from another rank; n may be 0. */
typedef struct par_message {
    int peer;
    void *bytes;
    size_t n;
} par_message;

/* Send n_send messages and receive n_recv, all at once, in pieces of at most 1 GiB; returns when
 * all are done. What a rank lists for another arrives in that order, and the lengths on both sides
 * are the same. Every message sent must be received: collective over the ranks that exchange. */
err par_exchange(const par *p, const par_message *send, int n_send, const par_message *recv,
                 int n_recv);

#endif
