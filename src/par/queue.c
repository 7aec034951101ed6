#include "par/queue.h"

#include "base/arena.h"
#include "par/comm.h"
#include "par/preempt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* what a rank says to the counter */
enum { ASK, STOP, BYE, TAG_ASK = 1, TAG_ANSWER = 2 };

struct queue {
    const par *p;
    MPI_Comm comm;
    _Atomic int64_t next; /* rank 0: the next position */
    int64_t n;
    _Atomic int byes; /* rank 0: ranks that will not ask again */
    pthread_t thread; /* rank 0 */
    int threaded;
    _Atomic int broken; /* an MPI call of the service failed */
};

static int64_t take(queue *q) {
    int64_t position = atomic_fetch_add(&q->next, 1);
    return position < q->n ? position : -1;
}

static void stop_all(queue *q) {
    atomic_store(&q->next, q->n);
}

/* answer one waiting request of another rank; 0: nobody asks */
static int serve(queue *q) {
    int waiting = 0, what = BYE;
    MPI_Status s;
    if (MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, q->comm, &waiting, &s) != MPI_SUCCESS) {
        atomic_store(&q->broken, 1);
        return 0;
    }
    if (!waiting)
        return 0;
    MPI_Recv(&what, 1, MPI_INT, s.MPI_SOURCE, TAG_ASK, q->comm, MPI_STATUS_IGNORE);
    if (what == BYE) {
        atomic_fetch_add(&q->byes, 1);
    } else if (what == STOP) {
        stop_all(q);
    } else {
        int64_t position = take(q);
        MPI_Send(&position, 1, MPI_INT64_T, s.MPI_SOURCE, TAG_ANSWER, q->comm);
    }
    return 1;
}

/* 50 us: far below any unit of work, and no load on rank 0's core (about 0.1 %) */
static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

static void *service(void *state) {
    queue *q = state;
    while (atomic_load(&q->byes) < q->p->size && !atomic_load(&q->broken))
        if (!serve(q))
            nap();
    return NULL;
}

err queue_open(const par *p, int64_t n, queue **out) {
    queue *q = NULL;
    CALL(par_agree(p, mem_alloc(1, sizeof *q, &q)));
    q->p = p;
    q->n = n;
    err e = par_mpi(MPI_Comm_dup(par_comm_mpi(p), &q->comm), "duplicate");
    int threads = p->comm->level == MPI_THREAD_MULTIPLE;
    if (e == OK && p->rank == 0 && p->size > 1 && threads) {
        q->threaded = pthread_create(&q->thread, NULL, service, q) == 0;
        if (!q->threaded)
            e = err_raise(ERR_FAILED, __FILE__, __LINE__, "cannot start the queue's thread");
    }
    e = par_agree(p, e);
    if (e != OK) {
        free(q);
        return e;
    }
    *out = q;
    return OK;
}

static err say(queue *q, int what) {
    return par_mpi(MPI_Send(&what, 1, MPI_INT, 0, TAG_ASK, q->comm), "ask the queue");
}

err queue_next(queue *q, int64_t *position) {
    if (preempt_asked())
        queue_stop(q);
    if (q->p->rank == 0) {
        /* without a thread rank 0 serves between its own units */
        while (!q->threaded && q->p->size > 1 && serve(q))
            ;
        *position = take(q);
        return OK;
    }
    CALL(say(q, ASK));
    return par_mpi(MPI_Recv(position, 1, MPI_INT64_T, 0, TAG_ANSWER, q->comm, MPI_STATUS_IGNORE),
                   "answer of the queue");
}

void queue_stop(queue *q) {
    if (q->p->rank == 0)
        stop_all(q);
    else
        (void)say(q, STOP);
}

err queue_close(queue **qq) {
    queue *q = *qq;
    err e = OK;
    if (!q)
        return OK;
    if (q->p->rank != 0) {
        e = say(q, BYE);
    } else {
        atomic_fetch_add(&q->byes, 1);
        if (q->threaded)
            pthread_join(q->thread, NULL);
        else
            service(q);
        if (atomic_load(&q->broken))
            e = err_raise(ERR_FAILED, __FILE__, __LINE__, "MPI: the queue's service failed");
    }
    const par *p = q->p;
    MPI_Comm_free(&q->comm);
    free(q);
    *qq = NULL;
    return par_agree(p, e);
}
