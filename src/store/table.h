/* table.h: the schema as data, and tables in memory by number. Private to store. */
#ifndef ESPALIER_STORE_TABLE_H
#define ESPALIER_STORE_TABLE_H

#include "store/store.h"

typedef enum column_type {
    COLUMN_integer,
    COLUMN_real,
    COLUMN_text,
    COLUMN_int32,
    COLUMN_int16,
    COLUMN_int8
} column_type;

typedef struct column {
    column_type type;
    const char *name, *unit, *help;
    size_t width; /* bytes; a row has no holes, so offsets are sums of widths */
} column;

typedef struct table {
    const char *name, *title; /* stored at "/name" */
    const column *columns;    /* (n_columns) */
    int n_columns;
    size_t row_bytes;
} table;

#define TABLE_NUMBER(table, row, COLUMNS, title) TABLE_##table,
enum { STORE_TABLES(TABLE_NUMBER) TABLE_COUNT };
#undef TABLE_NUMBER

typedef struct table_rows {
    void *rows; /* (n) of table.row_bytes each; not owned */
    size_t n;
} table_rows;

/* Table t = 0 … TABLE_COUNT - 1 of the schema. */
const table *table_at(int t);
/* The rows of table t in c. */
table_rows table_view(const store_content *c, int t);
/* Make table t of c n rows long: rows that were there stay, new ones are zero, n = 0 frees them.
 * The room is the next power of two, so adding rows one by one is cheap. ERR_FAILED: out of memory.
 */
err table_resize(store_content *c, int t, size_t n);

#endif
