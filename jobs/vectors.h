/* vectors.h: one file of vectors that another implementation made, and the comparison with ours. */
#ifndef ESPALIER_JOBS_VECTORS_H
#define ESPALIER_JOBS_VECTORS_H

#include "io/safetensors.h"
#include "par/par.h"

typedef struct vectors {
    const par *p;
    const char *file;
    safetensors *s;
    int wrong; /* figures outside their tolerance so far */
} vectors;

/* The array called name, in float64 whatever its type: (count); the caller frees. ERR_DATA: it is
 * not there or not of count elements. Not collective. */
err vectors_load(const vectors *v, const char *name, int64_t count, double **out);

/* Print the largest |mine - theirs|, relative to the largest |theirs| (absolute for tolerance 0),
 * against its tolerance; the line is written by rank 0. who: which part of ours. Not collective. */
err vectors_compare(vectors *v, const char *who, const char *name, const double *mine,
                    int64_t count, double tolerance);

#endif
