/* hash.h: SHA-256 (libcrypto) of files and bytes, as 64 lower-case hex digits. */
#ifndef ESPALIER_IO_HASH_H
#define ESPALIER_IO_HASH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

err hash_file(const char *path, char hex[65], int64_t *bytes /* NULL: not wanted */);
void hash_bytes(const void *p, size_t n, char hex[65]);
uint64_t hash_u64(const void *p, size_t n); /* first 8 bytes of the SHA-256, for keys */

#endif
