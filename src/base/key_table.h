/* key_table.h: a number for each 64-bit key that is a hash already (open addressing, at most half
 * full). Zeroed it is empty. Not collective. */
#ifndef ESPALIER_BASE_KEY_TABLE_H
#define ESPALIER_BASE_KEY_TABLE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct key_table {
    uint64_t *key;  // (slots)
    int32_t *value; // (slots) number + 1; 0: free
    size_t slots;   /* a power of two, or 0 */
    size_t n;
} key_table;

/* Bytes that a key takes at most: of two to four slots. */
enum { KEY_TABLE_BYTES = 4 * (sizeof(uint64_t) + sizeof(int32_t)) };

/* The key's number, 0 or more; -1: it is not there. */
int32_t key_table_find(const key_table *t, uint64_t key);
/* A key that is not there. number: below INT32_MAX. */
err key_table_add(key_table *t, uint64_t key, int32_t number);
void key_table_clear(key_table *t); /* empty; its memory is kept */
void key_table_free(key_table *t);

#endif
