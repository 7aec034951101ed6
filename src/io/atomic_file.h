/* atomic_file.h: a published file is whole. Written beside its place, fsync, rename, fsync of the
 * folder. Any error publishes nothing and leaves what was there. Not collective. */
#ifndef ESPALIER_IO_ATOMIC_FILE_H
#define ESPALIER_IO_ATOMIC_FILE_H

#include "base/err.h"

#include <stdio.h>

typedef struct atomic_file {
    FILE *f; /* write here; check nothing: commit does */
    char path[4096], tmp[4096];
} atomic_file;

err atomic_begin(const char *path, atomic_file *a);
err atomic_commit(atomic_file *a);   /* ERR_IO: a write failed, no space; nothing was published */
void atomic_discard(atomic_file *a); /* does nothing after commit */

err atomic_write(const char *path, const void *bytes, size_t n);
/* Rename an already complete temporary file (written by another library) into place, durably. */
err atomic_publish(const char *tmp, const char *path);

err dir_make(const char *path); /* with parents, durably; existing is fine */
err dir_sync(const char *path); /* the entries of a folder are on disk; "": the current one */
/* Remove what a killed run left half written below dir: files and folders named *.tmp. Only for the
 * holder of the folder's lock. ERR_IO: one cannot be removed. */
err dir_sweep(const char *dir);
err path_join(char out[4096], const char *a, const char *b); /* ERR_IO when too long */
int path_exists(const char *path);
/* What a file is called without its folder: the end of path. */
const char *path_name(const char *path);

#endif
