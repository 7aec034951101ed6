/* espalier: starts MPI, hands over to the job that is asked for, prints its error, ends the program
 */
#include "command.h"

#include "par/preempt.h"
#include "tensor/amx.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>

/* Only rank 0 speaks. Others lose their streams, not their file descriptors: what MPI, the C
 * library or a sanitizer has to say on a crash still comes through. */
static void mute(int rank) {
    FILE *nowhere = rank == 0 ? NULL : fopen("/dev/null", "w");
    if (nowhere)
        stdout = stderr = nowhere;
}

/* the rank that a launcher announces, before MPI has started; 0 without a launcher */
static int launched_rank(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return atoi(getenv(names[i]));
    return 0;
}

/* argp ends the program on a usage error, on every rank alike: MPI must be ended in order then too
 */
static void close_world(int status, void *world) {
    (void)status;
    par_close(world);
}

static err flush_results(const par *p, err e) {
    if (e == OK && p->rank == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        RAISE(ERR_IO, "standard output cannot be written: no space left, or closed by its reader");
    return e;
}

/* one message, from rank 0, whichever rank failed */
static void tell(err e) {
    if (e == ERR_STOPPED)
        log_info("%s", err_message());
    else if (e != OK)
        log_error("%s", err_message());
    if (e != OK)
        log_detail("raised at %s", err_where());
}

int main(int argc, char **argv) {
    static par *world; /* outlives main: exit handlers run after its frame is gone */
    command c = {0};
    blas_start(argv);
    preempt_install(); /* a signal that comes early stops the run at its first boundary */
    mute(launched_rank());
    err e = command_read(argc, argv, &c);
    if (e == OK && c.alone) {
        const par alone = par_alone();
        e = flush_results(&alone, c.run(&alone, c.argc, c.argv));
    }
    if (e == OK && !c.alone)
        e = par_open(&argc, &argv, &world);
    if (world) {
        on_exit(close_world, &world);
        mute(world->rank);
        log_open(world->rank, c.level);
        blas_single_thread();
        amx_use(par_all(world, amx_here()));
        e = c.run(world, c.argc, c.argv);
        e = par_agree(world, flush_results(world, e));
    }
    tell(e);
    free(c.argv);
    par_close(&world);
    return (int)e;
}
