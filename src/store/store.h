/* store.h: study.h5, the results of a study as typed tables (schema.h), and the same in memory.
 *
 * Written collectively by MPI-IO, published whole by rename. Tables follow the H5TB convention with
 * fixed-length strings, so h5py, pandas.read_hdf and PyTables (read_where) open them; every column
 * also carries FIELD_i_UNIT and FIELD_i_HELP. Same content, same bytes, on any number of ranks. A
 * store is our own output: damage is reported where HDF5 sees it, but a store is never taken from
 * strangers. */
#ifndef ESPALIER_STORE_STORE_H
#define ESPALIER_STORE_STORE_H

#include "base/strbuf.h"
#include "par/par.h"
#include "store/schema.h"

#include <stddef.h>
#include <stdint.h>

/* store_option, store_dataset, …: one row of each table, fields in the order of the schema */
#define STORE_FIELD_integer(name, width)           int64_t name;
#define STORE_FIELD_real(name, width)              double name;
#define STORE_FIELD_int32(name, width)             int32_t name;
#define STORE_FIELD_int16(name, width)             int16_t name;
#define STORE_FIELD_int8(name, width)              int8_t name;
#define STORE_FIELD_text(name, width)              char name[width];
#define STORE_FIELD(type, name, width, unit, help) STORE_FIELD_##type(name, width)
#define STORE_STRUCT(table, row, COLUMNS, title)                                                   \
    typedef struct store_##row {                                                                   \
        COLUMNS(STORE_FIELD)                                                                       \
    } store_##row;
STORE_TABLES(STORE_STRUCT)
#undef STORE_STRUCT
#undef STORE_FIELD

/* All tables: rows `models` (n_models), `attacks` (n_attacks), …; owned. Zero-initialise. */
typedef struct store_content {
#define STORE_MEMBER(table, row, COLUMNS, title)                                                   \
    store_##row *table;                                                                            \
    size_t n_##table;
    STORE_TABLES(STORE_MEMBER)
#undef STORE_MEMBER
} store_content;

/* store_add_models(c, &row), store_add_attacks(c, &row), …: append one row of zeros; *out is valid
 * until the next row of that table. ERR_FAILED: out of memory. Not collective. */
#define STORE_ADD(table, row, COLUMNS, title)                                                      \
    err store_add_##table(store_content *c, store_##row **out);
STORE_TABLES(STORE_ADD)
#undef STORE_ADD

/* Fill a text field: to (width) = text, padded with NUL. Text that does not fit is cut between two
 * characters and ends in "…". Usage: store_text(m->name, sizeof m->name, "dense"). Not collective.
 */
void store_text(char *to, size_t width, const char *text);

void store_content_free(store_content *c); /* all rows; leaves c zeroed */

/* Write path from c, the same content on every rank: created together from the schema, rows written
 * in contiguous slices, one a rank, to path.tmp, which is then renamed. ERR_IO on every rank when
 * anything fails on any: nothing is published. Collective. */
err store_write(const par *p, const char *path, const store_content *c);

/* Read all of path; the same content on every rank. ERR_IO: missing or unreadable; ERR_DATA: not a
 * store of this schema, with the table and column that differ. Caller frees with
 * store_content_free. Collective. */
err store_read(const par *p, const char *path, store_content *c);

/* Write a small store at path together, read it back, compare, remove it (for `doctor`).
 * Collective. */
err store_selftest(const par *p, const char *path);

/* Append what path holds: tables with title, rows, and columns with type, unit and help (for
 * `info`). Not collective. */
err store_describe(const char *path, strbuf *out);

#endif
