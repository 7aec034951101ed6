/* checks of processes, cores, BLAS and memory */
#include "doctor.h"

#include "par/describe.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double LEAST_MEMORY = 0.5; /* GiB a rank: a small encoder, its gradients and moments */

/* under a launcher that MPI does not know, every rank believes to be rank 0 of 1 */
err check_ranks(const par *p, const char *folder, finding *f) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS",
                                        "SLURM_NTASKS"};
    (void)folder;
    char mpi[200];
    par_describe(mpi, sizeof mpi);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || atoi(value) <= 0)
            continue;
        if (atoi(value) != p->size)
            return doctor_find(
                f, FAIL, "%s is %s, but MPI sees %d: start with `mpirun`, or `srun --mpi=pmix`",
                names[i], value, p->size);
        return doctor_find(f, PASS, "%d in one world, as %s says; %s", p->size, names[i], mpi);
    }
    return doctor_find(f, PASS, "%d, without a launcher; %s", p->size, mpi);
}

/* SLURM's PMIx fences without data go along a tree; on fewer nodes than its TreeWidth (50) every
 * node is a root and waits for nobody. So a rank may leave MPI_Init and send while another is still
 * in there, which kills that one (seen with SLURM 22.05: 7 of 2,169 starts on two nodes). */
err check_start(const par *p, const char *folder, finding *f) {
    const char *nodes = getenv("SLURM_STEP_NUM_NODES"), *fence = getenv("SLURM_PMIX_FENCE");
    const int by_srun = getenv("SLURM_STEPID") && !getenv("OMPI_MCA_orte_hnp_uri");
    (void)p, (void)folder;
    if (!by_srun || !nodes || atoi(nodes) < 2)
        return doctor_find(f, PASS, "by mpirun, on one node or alone");
    if (!fence || strcmp(fence, "ring") != 0)
        return doctor_find(f, WARN,
                           "by srun on %s nodes, whose fences may let a rank send before another "
                           "one can receive, which then dies in MPI_Init: export "
                           "SLURM_PMIX_FENCE=ring before srun, as slurm/run.sbatch does",
                           nodes);
    return doctor_find(f, PASS, "by srun on %s nodes, behind a fence that waits", nodes);
}

/* ranks on this rank's host */
static err ranks_here(const par *p, int64_t *n) {
    char mine[256] = "", *all;
    size_t *offset;
    gethostname(mine, sizeof mine - 1);
    CALL(par_allgather(p, mine, sizeof mine, &all, &offset));
    *n = 0;
    for (int r = 0; r < p->size; r++)
        *n += strcmp(all + offset[r], mine) == 0;
    free(all);
    free(offset);
    return OK;
}

err check_cores(const par *p, const char *folder, finding *f) {
    (void)folder;
    int64_t here, cores = sysconf(_SC_NPROCESSORS_ONLN);
    CALL(ranks_here(p, &here));
    int64_t excess = here - cores;
    CALL(par_max_i64(p, &excess, 1));
    if (excess > 0)
        return doctor_find(
            f, WARN,
            "%lld more ranks than cores on a host (%lld cores here): results are the same, "
            "but slower; start one rank a core",
            (long long)excess, (long long)cores);
    return doctor_find(f, PASS, "%lld rank%s on %lld cores here", (long long)here,
                       here == 1 ? "" : "s", (long long)cores);
}

err check_threads(const par *p, const char *folder, finding *f) {
    (void)folder;
    int64_t threads = blas_threads();
    CALL(par_max_i64(p, &threads, 1));
    if (threads > 1)
        return doctor_find(
            f, FAIL,
            "OpenBLAS uses %lld threads a rank in spite of us: results would depend on it; "
            "export OPENBLAS_NUM_THREADS=1",
            (long long)threads);
    return doctor_find(f, PASS, "1 a rank");
}

/* the bits of a result are those of the CPU kernel: one kernel for all hosts */
err check_kernel(const par *p, const char *folder, finding *f) {
    (void)folder;
    char mine[256] = "", *all;
    size_t *offset;
    int other = 0;
    blas_describe(mine, sizeof mine);
    CALL(par_allgather(p, mine, sizeof mine, &all, &offset));
    for (int r = p->size - 1; r > 0; r--)
        if (strcmp(all + offset[r], all) != 0)
            other = r;
    if (other)
        doctor_find(f, FAIL,
                    "rank 0 has %s, rank %d has %s: results would depend on the host; export "
                    "OPENBLAS_CORETYPE with the oldest, e.g. HASWELL",
                    all, other, all + offset[other]);
    else
        doctor_find(f, PASS, "%s", mine);
    free(all);
    free(offset);
    return OK;
}

/* KiB that the kernel could give out, 0 where it does not say */
static int64_t available_memory(void) {
    long long kib = 0;
    char line[200];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

err check_memory(const par *p, const char *folder, finding *f) {
    (void)folder;
    int64_t here;
    CALL(ranks_here(p, &here));
    int64_t least = -available_memory() / here;
    CALL(par_max_i64(p, &least, 1));
    double gib = (double)-least / 0x1p20;
    if (gib < LEAST_MEMORY)
        return doctor_find(
            f, FAIL, "%.2f GiB free a rank on the fullest host: start fewer ranks there", gib);
    return doctor_find(f, PASS, "%.1f GiB free a rank on the fullest host", gib);
}
