#include "kernel.h"

#include "base/log.h"
#include "io/atomic_file.h"
#include "io/lines.h"
#include "tensor/blas.h"

#include <stdlib.h>
#include <string.h>

err kernel_note(context *c, void *unused) {
    char path[PATH_BYTES], now[512], *before = NULL;
    size_t n = 0;
    (void)unused;
    CALL(path_join(path, c->dir, "kernel"));
    blas_describe(now, sizeof now);
    if (!path_exists(path))
        return atomic_write(path, now, strlen(now));
    CALL(file_read(path, &before, &n));
    if (n != strlen(now) || memcmp(before, now, n) != 0)
        log_warning(
            "%s: begun by %.*s; now by %s: what is made from here on has other bits; for one "
            "kind of bits run it on one kind of CPU, with model.matrix_unit: off where only "
            "AMX differs, or remove %s",
            c->dir, (int)n, before, now, path);
    free(before);
    return OK;
}
