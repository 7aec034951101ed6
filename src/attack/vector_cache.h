/* vector_cache.h: vectors that were computed, by a 64-bit key, in bounded memory.
 *
 * Two halves: when the young one is full, the old one is forgotten and they change places; what is
 * found in the old one moves to the young one. So the vectors asked about last stay. Not
 * collective. */
#ifndef ESPALIER_ATTACK_VECTOR_CACHE_H
#define ESPALIER_ATTACK_VECTOR_CACHE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct vector_cache vector_cache;

/* Vectors of d numbers in at most `bytes` (at least two vectors are kept); memory is taken as they
 * come. Caller destroys. */
err vector_cache_create(int d, size_t bytes, vector_cache **out);
void vector_cache_destroy(vector_cache **c);
/* 1 and v (d) where key is kept, else 0. */
int vector_cache_get(vector_cache *c, uint64_t key, float *v);
/* Keep a vector whose key is not kept. */
err vector_cache_put(vector_cache *c, uint64_t key, const float *v);

#endif
