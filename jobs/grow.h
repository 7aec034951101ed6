/* grow.h: variants may be added to a study that has begun, or taken out of it. */
#ifndef ESPALIER_JOBS_GROW_H
#define ESPALIER_JOBS_GROW_H

#include "context.h"

#include "base/strbuf.h"

/* The folder's study.yaml (path) differs from this study's (text). If only the list of variants
 * does, and none of a name has other options, then what was made from the whole list goes
 * (averages, pruned models, their journals; what belongs to a single variant stays) and study.yaml
 * is replaced, last: a kill in between is made up for at the next start. Else ERR_USAGE. Rank 0,
 * under the folder's lock. */
err grow_study(const context *c, const char *path, const strbuf *text);

#endif
