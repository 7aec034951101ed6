#include "par/queue.h"

#include "base/arena.h"
#include "base/clock.h"
#include "par/comm.h"
#include "par/preempt.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

/* what a rank says to rank 0, beside the part it asks for (from 0) */
enum { STOP = -1, BYE = -2, TAG_ASK = 1, TAG_ANSWER = 2 };

struct queue {
    const par *p;
    int parts;
    int64_t *n;            /* (parts) */
    _Atomic int64_t *next; /* (parts) the next position; NULL: rank 0 has it and is asked */
    MPI_Win window;        /* holds next, if it is shared; else MPI_WIN_NULL */
    MPI_Comm comm;         /* the questions' own; MPI_COMM_NULL if next is shared */
    _Atomic int64_t *own;  /* (parts) rank 0: next, if it is not shared */
    _Atomic int byes;      /* rank 0: ranks that will not ask again */
    _Atomic int broken;    /* rank 0: an MPI call of the service failed */
    pthread_t thread;      /* rank 0 */
    int threaded;
};

static int64_t take(queue *q, int part) {
    int64_t position = atomic_fetch_add(&q->next[part], 1);
    return position < q->n[part] ? position : -1;
}

static void stop_all(queue *q) {
    for (int k = 0; k < q->parts; k++)
        atomic_store(&q->next[k], q->n[k]);
}

/* receive one request of another rank and answer it; 0: nobody asks */
static int serve(queue *q) {
    int waiting = 0, what = BYE;
    MPI_Status s;
    int bad = MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, q->comm, &waiting, &s);
    if (!bad && !waiting)
        return 0;
    if (!bad)
        bad = MPI_Recv(&what, 1, MPI_INT, s.MPI_SOURCE, TAG_ASK, q->comm, MPI_STATUS_IGNORE);
    if (!bad && what == BYE)
        atomic_fetch_add(&q->byes, 1);
    if (!bad && what == STOP)
        stop_all(q);
    if (!bad && what >= 0) {
        int64_t position = take(q, what);
        bad = MPI_Send(&position, 1, MPI_INT64_T, s.MPI_SOURCE, TAG_ANSWER, q->comm);
    }
    if (bad)
        atomic_store(&q->broken, 1);
    return !bad;
}

/* A nap of length d costs a waiting rank d / 2 for a request and rank 0 one wake-up, w seconds,
 * each d: with requests t seconds apart the sum d / 2t + w / d is least at d = sqrt(2 w t). w is
 * about 20 us; the time since the last request stands for t. */
static void nap(double idle) {
    double d = fmin(sqrt(2 * 20e-6 * idle), 5e-3);
    nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * d)}, NULL);
}

/* until every rank has said goodbye */
static void *service(void *state) {
    queue *q = state;
    double last = clock_now();
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL,
          0UL); /* of this thread: naps are short, not 50 us more */
    while (atomic_load(&q->byes) < q->p->size && !atomic_load(&q->broken)) {
        if (serve(q))
            last = clock_now();
        else
            nap(clock_now() - last);
    }
    return NULL;
}

/* 1 if all ranks live on one node */
static err on_one_node(const par *p, int *yes) {
    MPI_Comm node;
    int size = 0;
    MPI_CALL(
        MPI_Comm_split_type(par_comm_mpi(p), MPI_COMM_TYPE_SHARED, p->rank, MPI_INFO_NULL, &node));
    MPI_Comm_size(node, &size);
    MPI_Comm_free(&node);
    *yes = par_all(p, size == p->size);
    return OK;
}

/* the counter in shared memory; q->next stays NULL where there is none to be had */
static err share_counter(queue *q) {
    const par *p = q->p;
    MPI_Aint bytes = p->rank == 0 ? (MPI_Aint)((size_t)q->parts * sizeof *q->next) : 0;
    void *base = NULL;
    int one_node = 0, unit;
    CALL(on_one_node(p, &one_node));
    if (!one_node)
        return OK;
    int got = MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, par_comm_mpi(p), &base, &q->window);
    if (!par_all(p, got == MPI_SUCCESS)) {
        q->window = MPI_WIN_NULL;
        return OK;
    }
    MPI_CALL(MPI_Win_shared_query(q->window, 0, &bytes, &unit, &base));
    q->next = base;
    for (int k = 0; k < q->parts && p->rank == 0; k++)
        atomic_init(&q->next[k], 0);
    return par_barrier(p); /* nobody takes before it is 0 */
}

static err keep_counter(queue *q, queue_way way) {
    const par *p = q->p;
    MPI_CALL(MPI_Comm_dup(par_comm_mpi(p), &q->comm));
    if (p->rank != 0)
        return OK;
    q->next = q->own;
    if (way <= QUEUE_THREAD && p->size > 1 && p->comm->level == MPI_THREAD_MULTIPLE)
        q->threaded = pthread_create(&q->thread, NULL, service, q) == 0;
    return OK;
}

static void queue_free(queue *q) {
    if (!q)
        return;
    free(q->n);
    free(q->own);
    free(q);
}

static err queue_alloc(const par *p, const int64_t *n, int parts, queue **out) {
    queue *q = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *q, &q));
    TRY(mem_alloc((size_t)parts, sizeof *q->n, &q->n));
    TRY(mem_alloc((size_t)parts, sizeof *q->own, &q->own));
    for (int k = 0; k < parts; k++)
        q->n[k] = n[k];
    q->p = p;
    q->parts = parts;
    q->window = MPI_WIN_NULL;
    q->comm = MPI_COMM_NULL;
    *out = q;
    q = NULL;
done:
    queue_free(q);
    return e;
}

err queue_open_parts(const par *p, const int64_t *n, int parts, queue_way way, queue **out) {
    queue *q = NULL;
    err e = par_agree(p, queue_alloc(p, n, parts, &q));
    if (e == OK && way == QUEUE_SHARED)
        e = share_counter(q);
    if (e == OK && q->window == MPI_WIN_NULL)
        e = keep_counter(q, way);
    if (e != OK) {
        queue_free(q);
        return e;
    }
    *out = q;
    return OK;
}

err queue_open_as(const par *p, int64_t n, queue_way way, queue **out) {
    return queue_open_parts(p, &n, 1, way, out);
}

err queue_open(const par *p, int64_t n, queue **out) {
    return queue_open_as(p, n, QUEUE_SHARED, out);
}

static err say(queue *q, int what) {
    return par_mpi(MPI_Send(&what, 1, MPI_INT, 0, TAG_ASK, q->comm), "ask the queue");
}

err queue_next(queue *q, int64_t *position) {
    return queue_next_of(q, 0, position);
}

err queue_next_of(queue *q, int part, int64_t *position) {
    if (preempt_asked())
        queue_stop(q);
    if (!q->next) {
        CALL(say(q, part));
        return par_mpi(
            MPI_Recv(position, 1, MPI_INT64_T, 0, TAG_ANSWER, q->comm, MPI_STATUS_IGNORE),
            "answer of the queue");
    }
    /* without a thread rank 0 answers between its own units */
    while (q->comm != MPI_COMM_NULL && !q->threaded && serve(q))
        ;
    *position = take(q, part);
    return OK;
}

void queue_stop(queue *q) {
    if (q->next)
        stop_all(q);
    else
        (void)say(q, STOP);
}

/* rank 0 answers until all have said goodbye, the others say it */
static err part(queue *q) {
    if (q->p->rank != 0)
        return say(q, BYE);
    atomic_fetch_add(&q->byes, 1);
    if (q->threaded)
        pthread_join(q->thread, NULL);
    else
        service(q);
    CHECK(!atomic_load(&q->broken), ERR_FAILED, "MPI: the queue's service failed");
    return OK;
}

err queue_close(queue **qq) {
    queue *q = *qq;
    if (!q)
        return OK;
    const par *p = q->p;
    err e = q->comm == MPI_COMM_NULL ? OK : part(q);
    e = par_agree(p, e);
    if (q->window != MPI_WIN_NULL)
        MPI_Win_free(&q->window);
    if (q->comm != MPI_COMM_NULL)
        MPI_Comm_free(&q->comm);
    queue_free(q);
    *qq = NULL;
    return e;
}
