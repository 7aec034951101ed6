/* memory.h: is there enough of it, said before training starts. */
#ifndef ESPALIER_JOBS_MEMORY_H
#define ESPALIER_JOBS_MEMORY_H

#include "context.h"

#include "sweep/available.h"
#include "sweep/need.h"

/* What the variant that needs most takes on a rank; shape has the classifier. Not collective. */
err memory_finetune(const context *c, const encoder_config *shape, int ranks, need *most);

/* memory_check for pre-training of m, which is there already, on x. Collective. */
err memory_pretrain(const context *c, const encoder *m, const examples *x);

/* ERR_FAILED, with what is needed, what there is and how to mend it, when n does not fit beside
 * what the ranks hold already. what: for the message. Collective. */
err memory_check(const par *p, const char *what, const need *n);
/* The same for a limit that is known. Not collective. */
err memory_fits(const available *room, const char *what, const need *n);

#endif
