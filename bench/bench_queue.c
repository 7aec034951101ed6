/* What handing out work costs: 10,000 units of 5 to 35 ms for 64 workers, which are simulated, as
 * many a rank as fit (start it under mpirun on 2 to 8 ranks). A rank keeps the clock of each of its
 * workers and asks the real queue when one is free; while none is, it spins where every rank has a
 * core of its own, as a rank that computes would, and sleeps where not. Overhead is the time in
 * queue_next as a share of the workers' time. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "par/par.h"
#include "par/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 64, UNITS = 10000 };

typedef struct crew {
    double done[WORKERS]; /* when each is free again, on its own clock; < 0: it has left */
    int n;
    double asking; /* seconds in queue_next, over all */
    int64_t taken[UNITS];
} crew;

static double length_of(int64_t unit) {
    uint32_t r[4];
    rng_block(1, RNG_TEST, 0, 0, (uint32_t)unit, r);
    return 5e-3 + 30e-3 * (double)rng_float(r[0]);
}

static int first_free(const double *done, int n) {
    int first = -1;
    for (int i = 0; i < n; i++)
        if (done[i] >= 0 && (first < 0 || done[i] < done[first]))
            first = i;
    return first;
}

static void wait_until(double when, int spin) {
    double left;
    while ((left = when - clock_now()) > 0)
        if (!spin)
            nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * (left < 0.9 ? left : 0.9))}, NULL);
}

static err work(queue *q, crew *c, int spin) {
    double start = clock_now();
    for (int i = 0; i < c->n; i++)
        c->done[i] = 0;
    for (int i; (i = first_free(c->done, c->n)) >= 0;) {
        int64_t unit;
        wait_until(start + c->done[i], spin);
        double asked = clock_now();
        CALL(queue_next(q, &unit));
        double answer = clock_now() - asked;
        c->asking += answer;
        if (unit >= 0) {
            c->taken[unit]++;
            c->done[i] += answer + length_of(unit);
        } else {
            c->done[i] = -1;
        }
    }
    return OK;
}

static err measure(const par *p, queue_way way, const char *name, int spin) {
    crew *c = NULL;
    queue *q = NULL;
    double total = 0;
    err e;
    CALL(par_agree(p, mem_alloc(1, sizeof *c, &c)));
    for (int i = p->rank; i < WORKERS; i += p->size)
        c->n++;
    TRY(queue_open_as(p, UNITS, way, &q));
    e = work(q, c, spin);
    if (e != OK)
        queue_stop(q);
    err closed = queue_close(&q);
    TRY(par_agree(p, e == OK ? closed : e));
    int64_t asking = (int64_t)(1e9 * c->asking), missed = 0;
    TRY(par_sum_i64(p, &asking, 1));
    TRY(par_sum_i64(p, c->taken, UNITS));
    for (int64_t unit = 0; unit < UNITS; unit++)
        missed += c->taken[unit] != 1, total += length_of(unit);
    ENSURE(missed == 0, ERR_FAILED, "%lld units were not done once", (long long)missed);
    double mean = 1e-9 * (double)asking / (UNITS + WORKERS);
    if (p->rank == 0)
        printf("%-24s %2d ranks, %s: %6.1f us a request, %.3f %% of the workers' time\n", name,
               p->size, spin ? "busy" : "idle", 1e6 * mean, 100 * 1e-9 * (double)asking / total);
done:
    free(c);
    return e;
}

int main(int argc, char **argv) {
    par *world;
    err e = par_open(&argc, &argv, &world);
    if (e == OK) {
        int spin = world->size <= sysconf(_SC_NPROCESSORS_ONLN);
        e = measure(world, QUEUE_SHARED, "counter in shared memory", spin);
        if (e == OK && world->size > 1)
            e = measure(world, QUEUE_THREAD, "thread on rank 0", spin);
    }
    if (e != OK)
        fprintf(stderr, "%s (%s)\n", err_message(), err_where());
    par_close(&world);
    return (int)e;
}
