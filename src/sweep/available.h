/* available.h: how much memory a rank may use. */
#ifndef ESPALIER_SWEEP_AVAILABLE_H
#define ESPALIER_SWEEP_AVAILABLE_H

#include "par/par.h"

typedef struct available {
    double bytes;   /* that a rank may hold in all, what it holds already included */
    double held;    /* by this process at present */
    int ranks_here; /* on this host */
    char by[64]; /* what sets the limit: "the host's free memory", "the cgroup's memory.max", … */
} available;

/* The least over all ranks; held: the most. Ranks of one host share what it has: free memory
 * (MemAvailable), the control group's limit, SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU. Collective. */
err available_memory(const par *p, available *out);

/* This process's resident memory now, and its largest so far; 0 where the system does not say. Not
 * collective. */
double available_held(void);
double available_peak(void);

#endif
