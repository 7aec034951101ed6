#include "par/par.h"

#include "base/arena.h"
#include "par/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* transfers over 2 GiB can succeed with wrong bytes: move at most this much at a time */
static const size_t PIECE = (size_t)1 << 30;

MPI_Comm par_comm_mpi(const par *p) {
    return p->comm->comm;
}

err par_mpi(int code, const char *what) {
    if (code == MPI_SUCCESS)
        return OK;
    char text[MPI_MAX_ERROR_STRING] = "";
    int n = 0;
    MPI_Error_string(code, text, &n);
    RAISE(ERR_FAILED, "MPI: %s (%.60s)", text, what);
}

/* what the launcher says the number of ranks is, 0 where it says nothing */
static int promised_ranks(const char **name) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && atoi(value) > 0) {
            *name = names[i];
            return atoi(value);
        }
    }
    return 0;
}

/* Started by srun with nothing that tells the ranks of each other: MPI would end the program in its
 * own words, or take each rank for a world of one. */
static err check_srun(void) {
    static const char *const known[] = {"PMIX_RANK", "PMI_RANK", "PMI_FD", "OMPI_COMM_WORLD_SIZE"};
    if (!getenv("SLURM_STEPID") || !getenv("SLURM_STEP_NUM_TASKS"))
        return OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (getenv(known[i]))
            return OK;
    RAISE(ERR_USAGE, "started by srun without PMIx, so that its ranks are no world of MPI: start "
                     "with `srun --mpi=pmix`, or with `mpirun`");
}

int par_under_mpirun(const par *p) {
    return p->comm != NULL && p->comm->mpirun;
}

err par_open(int *argc, char ***argv, par **out) {
    par *p = NULL;
    CALL(check_srun());
    CALL(mem_alloc(1, sizeof *p, &p));
    err e = mem_alloc(1, sizeof *p->comm, &p->comm);
    if (e != OK) {
        free(p);
        return e;
    }
    p->comm->mpirun = getenv("OMPI_COMM_WORLD_SIZE") != NULL; /* MPI may set it for its children */
    MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &p->comm->level);
    p->comm->opened = 1;
    MPI_Comm_dup(MPI_COMM_WORLD, &p->comm->comm);
    MPI_Comm_set_errhandler(p->comm->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(p->comm->comm, &p->rank);
    MPI_Comm_size(p->comm->comm, &p->size);
    const char *name = "";
    int promised = promised_ranks(&name);
    if (promised > p->size) {
        int size = p->size;
        par_close(&p);
        RAISE(ERR_USAGE,
              "%s is %d, but MPI sees %d rank%s: every rank would do all the work; start with "
              "`mpirun`, or `srun --mpi=pmix`",
              name, promised, size, size == 1 ? "" : "s");
    }
    *out = p;
    return OK;
}

void par_close(par **pp) {
    par *p = *pp;
    if (!p)
        return;
    if (p->comm)
        MPI_Comm_free(&p->comm->comm);
    if (p->comm && p->comm->opened)
        MPI_Finalize();
    free(p->comm);
    free(p);
    *pp = NULL;
}

err par_self(par **out) {
    par *p = NULL;
    CALL(mem_alloc(1, sizeof *p, &p));
    err e = mem_alloc(1, sizeof *p->comm, &p->comm);
    if (e != OK) {
        free(p);
        return e;
    }
    MPI_Query_thread(&p->comm->level);
    MPI_Comm_dup(MPI_COMM_SELF, &p->comm->comm);
    p->size = 1;
    *out = p;
    return OK;
}

err par_split(const par *p, int group, par **out) {
    par *g = NULL;
    *out = NULL;
    err e = mem_alloc(1, sizeof *g, &g);
    if (e == OK)
        e = mem_alloc(1, sizeof *g->comm, &g->comm);
    TRY(par_agree(p, e));
    g->size = 1;
    if (p->size == 1 && p->comm == NULL) { /* par_alone: no MPI */
        free(g->comm);
        g->comm = NULL;
    } else {
        g->comm->level = p->comm->level;
        TRY(par_mpi(MPI_Comm_split(p->comm->comm, group >= 0 ? group : MPI_UNDEFINED, p->rank,
                                   &g->comm->comm),
                    "split ranks into groups"));
    }
    if (group < 0)
        goto done;
    if (g->comm) {
        MPI_Comm_set_errhandler(g->comm->comm, MPI_ERRORS_RETURN);
        MPI_Comm_rank(g->comm->comm, &g->rank);
        MPI_Comm_size(g->comm->comm, &g->size);
    }
    *out = g;
    return OK;
done:
    if (g)
        free(g->comm);
    free(g);
    return e;
}

err par_split_nodes(const par *p, par **out) {
    int first = 0; /* the lowest rank of this node says which group it is */
    if (p->size > 1) {
        MPI_Comm node;
        first = p->rank;
        MPI_CALL(MPI_Comm_split_type(p->comm->comm, MPI_COMM_TYPE_SHARED, p->rank, MPI_INFO_NULL,
                                     &node));
        err e = par_mpi(MPI_Bcast(&first, 1, MPI_INT, 0, node), "number of the node");
        MPI_Comm_free(&node);
        CALL(par_agree(p, e));
    }
    return par_split(p, first, out);
}

void par_abort(const par *p, int code) {
    MPI_Abort(p->comm->comm, code);
    _exit(code); /* MPI_Abort does not return, but does not say so */
}

err par_agree(const par *p, err mine) {
    if (p->size == 1)
        return mine;
    int candidate = mine == OK ? p->size : p->rank, first = p->size;
    MPI_CALL(MPI_Allreduce(&candidate, &first, 1, MPI_INT, MPI_MIN, p->comm->comm));
    if (first == p->size)
        return OK;
    struct {
        int code;
        char message[2048], where[128];
    } news = {.code = (int)mine};
    if (p->rank == first) {
        snprintf(news.message, sizeof news.message, "%s", err_message());
        snprintf(news.where, sizeof news.where, "%s", err_where());
    }
    MPI_CALL(MPI_Bcast(&news, (int)sizeof news, MPI_BYTE, first, p->comm->comm));
    err_set(news.message, news.where);
    return (err)news.code;
}

int par_all(const par *p, int cond) {
    int mine = cond != 0, all = 0;
    if (p->size == 1)
        return mine;
    if (MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, p->comm->comm) != MPI_SUCCESS)
        return 0;
    return all;
}

err par_barrier(const par *p) {
    if (p->size > 1)
        MPI_CALL(MPI_Barrier(p->comm->comm));
    return OK;
}

err par_bcast(const par *p, void *bytes, size_t n, int root) {
    for (size_t at = 0; at < n && p->size > 1; at += PIECE) {
        size_t piece = n - at < PIECE ? n - at : PIECE;
        MPI_CALL(MPI_Bcast((char *)bytes + at, (int)piece, MPI_BYTE, root, p->comm->comm));
    }
    return OK;
}

err par_bcast_alloc(const par *p, char **bytes, size_t *n, int root) {
    uint64_t size = *n;
    if (p->rank != root)
        *bytes = NULL;
    CALL(par_bcast(p, &size, sizeof size, root));
    err e = OK;
    if (p->rank != root) {
        *n = (size_t)size;
        e = mem_alloc(*n + 1, 1, bytes);
    }
    e = par_agree(p, e);
    if (e == OK)
        e = par_bcast(p, *bytes, *n, root);
    if (e != OK && p->rank != root) {
        free(*bytes);
        *bytes = NULL;
    }
    return e;
}

err par_allgather(const par *p, const void *bytes, size_t n, char **out, size_t **offsets) {
    uint64_t mine = n, *sizes = NULL;
    *out = NULL;
    *offsets = NULL;
    err e = mem_alloc((size_t)p->size, sizeof *sizes, &sizes);
    if (e == OK)
        e = mem_alloc((size_t)p->size + 1, sizeof **offsets, offsets);
    TRY(par_agree(p, e));
    if (p->size == 1)
        sizes[0] = mine;
    else
        TRY(par_mpi(MPI_Allgather(&mine, 1, MPI_UINT64_T, sizes, 1, MPI_UINT64_T, p->comm->comm),
                    "allgather of sizes"));
    for (int r = 0; r < p->size; r++)
        (*offsets)[r + 1] = (*offsets)[r] + (size_t)sizes[r];
    TRY(par_agree(p, mem_alloc((*offsets)[p->size] + 1, 1, out)));
    if (n)
        memcpy(*out + (*offsets)[p->rank], bytes, n);
    /* one broadcast a rank: sizes may pass 2 GiB in all, which MPI_Allgatherv cannot count */
    for (int r = 0; r < p->size; r++)
        TRY(par_bcast(p, *out + (*offsets)[r], (size_t)sizes[r], r));
done:
    free(sizes);
    if (e != OK) {
        free(*out);
        free(*offsets);
        *out = NULL;
        *offsets = NULL;
    }
    return e;
}

static err reduce(const par *p, void *x, size_t n, size_t size, MPI_Datatype type, MPI_Op op) {
    size_t most = PIECE / size;
    for (size_t at = 0; at < n && p->size > 1; at += most) {
        size_t piece = n - at < most ? n - at : most;
        MPI_CALL(MPI_Allreduce(MPI_IN_PLACE, (char *)x + at * size, (int)piece, type, op,
                               p->comm->comm));
    }
    return OK;
}

err par_sum_i64(const par *p, int64_t *x, size_t n) {
    return reduce(p, x, n, sizeof *x, MPI_INT64_T, MPI_SUM);
}

err par_max_i64(const par *p, int64_t *x, size_t n) {
    return reduce(p, x, n, sizeof *x, MPI_INT64_T, MPI_MAX);
}

err par_max_f64(const par *p, double *x, size_t n) {
    return reduce(p, x, n, sizeof *x, MPI_DOUBLE, MPI_MAX);
}

static int pieces(const par_message *m, int n) {
    size_t count = 0;
    for (int i = 0; i < n; i++)
        count += (m[i].n + PIECE - 1) / PIECE;
    return (int)count;
}

typedef int (*transfer)(void *bytes, int n, MPI_Datatype type, int peer, int tag, MPI_Comm comm,
                        MPI_Request *request);

static int send_piece(void *bytes, int n, MPI_Datatype type, int peer, int tag, MPI_Comm comm,
                      MPI_Request *request) {
    return MPI_Isend(bytes, n, type, peer, tag, comm, request);
}

/* start the pieces of n messages; *requests counts up */
static err start(const par *p, transfer f, const par_message *m, int n, MPI_Request **requests) {
    const int tag = 77;
    for (int i = 0; i < n; i++)
        for (size_t at = 0; at < m[i].n; at += PIECE) {
            size_t piece = m[i].n - at < PIECE ? m[i].n - at : PIECE;
            MPI_CALL(f((char *)m[i].bytes + at, (int)piece, MPI_BYTE, m[i].peer, tag, p->comm->comm,
                       (*requests)++));
        }
    return OK;
}

err par_exchange(const par *p, const par_message *send, int n_send, const par_message *recv,
                 int n_recv) {
    int n = pieces(send, n_send) + pieces(recv, n_recv);
    MPI_Request *requests, *next;
    if (n == 0)
        return OK;
    CALL(mem_alloc((size_t)n, sizeof *requests, &requests));
    err e;
    next = requests;
    TRY(start(p, MPI_Irecv, recv, n_recv, &next));
    TRY(start(p, send_piece, send, n_send, &next));
    TRY(par_mpi(MPI_Waitall(n, requests, MPI_STATUSES_IGNORE), "exchange"));
done:
    free(requests);
    return e;
}
