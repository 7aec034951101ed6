/* candidate_store.h: candidates that were found for a word of a text, kept for the other models of
 * the table: they do not depend on the victim. Bounded: when it is full, nothing more is kept. Not
 * collective. */
#ifndef ESPALIER_ATTACK_CANDIDATE_STORE_H
#define ESPALIER_ATTACK_CANDIDATE_STORE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct candidate_store candidate_store;

err candidate_store_create(size_t bytes, candidate_store **out); /* caller destroys */
void candidate_store_destroy(candidate_store **s);

/* 1 and the list (*n) kept for word i of the text with this hash; valid until destroy. */
int candidate_store_get(const candidate_store *s, uint64_t text, int i, const char *const **list,
                        int *n);
/* Keep a copy of list (n). */
err candidate_store_put(candidate_store *s, uint64_t text, int i, const char *const *list, int n);

#endif
