/* below.h: files below the folder ESPALIER_DATA. */
#ifndef ESPALIER_BENCH_BELOW_H
#define ESPALIER_BENCH_BELOW_H

#include <stdio.h>
#include <stdlib.h>

/* Its path, until the next call. */
static inline const char *below(const char *name) {
    static char path[4096];
    const char *data = getenv("ESPALIER_DATA");
    snprintf(path, sizeof path, "%s/%s", data ? data : "", name);
    return path;
}

#endif
