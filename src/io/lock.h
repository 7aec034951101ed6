/* lock.h: one run works in a folder at a time. The lock goes with the process, however it ends; of
 * a host that went down, once the file server notices, or when the file is removed by hand. */
#ifndef ESPALIER_IO_LOCK_H
#define ESPALIER_IO_LOCK_H

#include "base/err.h"

typedef struct lock lock;

/* Lock dir/.lock. ERR_FAILED, naming host, process and batch job, when another run holds it. What
 * an earlier start of the same batch job holds is waited for, up to two minutes. Caller releases.
 * Not collective: rank 0 of a run takes it. */
err lock_take(const char *dir, lock **out);
err lock_try(const char *dir, lock **out); /* the same, but nothing is waited for */
void lock_release(lock **l);

#endif
