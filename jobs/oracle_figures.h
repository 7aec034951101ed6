/* oracle_figures.h: the encoder's arrays against those of a vectors.safetensors file: relative
 * errors in the Frobenius norm, float32 against float64. */
#ifndef ESPALIER_JOBS_ORACLE_FIGURES_H
#define ESPALIER_JOBS_ORACLE_FIGURES_H

#include "io/safetensors.h"
#include "model/encoder.h"
#include "par/par.h"

typedef struct figures {
    const par *p;
    safetensors *s;
    encoder_array *arrays; // (n_arrays) of the encoder's block, owned
    int n_arrays;
    int wrong; /* figures outside their tolerance so far */
} figures;

err figures_open(const par *p, const char *path, figures *f);
err figures_layout(figures *f, const encoder_config *c); /* before figures_block */
void figures_close(figures *f);

/* Array called name against mine (rows, cols): one line. place (rows): the row of each in the
 * file's array, NULL: the same. */
err figures_compare(figures *f, const char *name, const float *mine, int64_t rows, int64_t cols,
                    const int32_t *place, double tolerance);

/* Every array of a block against prefix + name, the worst in one line. Arrays that are not in the
 * file (heads that a loss does not reach) are left out. */
err figures_block(figures *f, const char *prefix, const float *block, double tolerance);

#endif
