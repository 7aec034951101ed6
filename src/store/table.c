#include "store/table.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* rows without holes go to HDF5 and to other ranks as they are, and no garbage byte is stored */
#define ADD_WIDTH(type, name, width, unit, help) +(width)
#define HAS_NO_HOLES(table, row, COLUMNS, title)                                                   \
    _Static_assert(sizeof(store_##row) == 0 COLUMNS(ADD_WIDTH),                                    \
                   "store_" #row " has holes: make every width a multiple of 8");
STORE_TABLES(HAS_NO_HOLES)

#define COLUMN(type, name, width, unit, help) {COLUMN_##type, #name, unit, help, width},
#define COLUMNS_OF(table, row, COLUMNS, title)                                                     \
    static const column table##_columns[] = {COLUMNS(COLUMN)};
STORE_TABLES(COLUMNS_OF)

#define TABLE_OF(table, row, COLUMNS, title)                                                       \
    {#table, title, table##_columns, sizeof table##_columns / sizeof *table##_columns,             \
     sizeof(store_##row)},
static const table schema[] = {STORE_TABLES(TABLE_OF)};

const table *table_at(int t) {
    return &schema[t];
}

table_rows table_view(const store_content *c, int t) {
    switch (t) {
#define VIEW(table, row, COLUMNS, title)                                                           \
    case TABLE_##table:                                                                            \
        return (table_rows){c->table, c->n_##table};
        STORE_TABLES(VIEW)
    }
    return (table_rows){NULL, 0};
}

static void take(store_content *c, int t, void *rows, size_t n) {
    switch (t) {
#define TAKE(table, row, COLUMNS, title)                                                           \
    case TABLE_##table:                                                                            \
        c->table = rows;                                                                           \
        c->n_##table = n;                                                                          \
        break;
        STORE_TABLES(TAKE)
    }
}

static size_t room(size_t n) {
    size_t r = n > 0;
    while (r < n)
        r *= 2;
    return r;
}

err table_resize(store_content *c, int t, size_t n) {
    const size_t bytes = schema[t].row_bytes;
    const table_rows have = table_view(c, t);
    const size_t kept = have.n < n ? have.n : n;
    char *rows = have.rows;
    if (room(n) != room(have.n)) {
        rows = NULL;
        if (n > 0)
            CALL(mem_alloc(room(n), bytes, &rows));
        if (kept > 0)
            memcpy(rows, have.rows, kept * bytes);
        free(have.rows);
    } else if (n > kept) {
        memset(rows + kept * bytes, 0, (n - kept) * bytes);
    }
    take(c, t, rows, n);
    return OK;
}
