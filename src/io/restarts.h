/* restarts.h: how often a study was started, and whether it gets anywhere.
 *
 * A job that is requeued whenever it stops would be requeued for ever if it never got as far as its
 * first checkpoint. So each start is counted in dir/starts.json beside a fingerprint of what the
 * folder holds: file names and sizes, and of checkpoints, which keep their size, some bytes of
 * their middle. A start that finds the fingerprint of the one before has been restarted without
 * progress. Neither clocks nor host names come into it. Not collective: for the holder of the
 * folder's lock. */
#ifndef ESPALIER_IO_RESTARTS_H
#define ESPALIER_IO_RESTARTS_H

#include "base/err.h"

#include <stdint.h>

typedef struct restarts {
    int64_t starts; /* of this study, this one included */
    int64_t idle;   /* of these, the latest ones in a row before which nothing was achieved */
} restarts;

/* Count a start. ERR_FAILED when `most` restarts in a row were without progress; 0: no limit. */
err restarts_begin(const char *dir, int64_t most, restarts *out);

/* The run that restarts_begin counted ended of itself, well or with an error, or because a person
 * stopped it: the next start is not a restart. A run that was killed, or stopped by a batch system,
 * does not come here. */
err restarts_end(const char *dir);

/* How often the study was started, 0 where nothing says so. */
int64_t restarts_count(const char *dir);

#endif
