/* claim.h: a run makes a study's folder its own. */
#ifndef ESPALIER_JOBS_CLAIM_H
#define ESPALIER_JOBS_CLAIM_H

#include "context.h"

/* Make the folder where it is missing, lock it, write study.yaml (arg: strbuf *, its text), open
 * the manifest. A folder in which another study has made nothing yet is taken over; one in which it
 * has is grown (grow.h) or refused. Rank 0; ERR_USAGE, ERR_IO. */
err claim_folder(context *c, void *arg);

#endif
