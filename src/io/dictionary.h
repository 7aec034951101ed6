/* dictionary.h: from a text to a small number; open addressing, grows. Keys are copied. Not
 * collective. */
#ifndef ESPALIER_IO_DICTIONARY_H
#define ESPALIER_IO_DICTIONARY_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dictionary dictionary;

err dictionary_create(dictionary **out); /* caller destroys */
void dictionary_destroy(dictionary **d);
/* The number of key (n bytes): 0, 1, … in order of first arrival; *fresh tells whether it is new.
 */
err dictionary_add(dictionary *d, const char *key, size_t n, int32_t *number, int *fresh);
/* Its number, -1 where it is not there. */
int32_t dictionary_find(const dictionary *d, const char *key, size_t n);
const char *dictionary_key(const dictionary *d, int32_t number);
int32_t dictionary_count(const dictionary *d);

#endif
