/* kernel.h: by which code of which CPU a study's results are computed. */
#ifndef ESPALIER_JOBS_KERNEL_H
#define ESPALIER_JOBS_KERNEL_H

#include "context.h"

/* The folder's file `kernel` says what computed the study when it began (blas_describe); a run by
 * other code warns: what it makes has other bits than what is there. For context_on_root. */
err kernel_note(context *c, void *unused);

#endif
