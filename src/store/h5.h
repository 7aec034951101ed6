/* h5.h: one table of the schema as an HDF5 dataset. Private to store: the only header with H5.
 *
 * Layout (H5TB and PyTables): a chunked one-dimensional dataset of a compound type with attributes
 * CLASS "TABLE", VERSION, TITLE and FIELD_i_NAME; ours are FIELD_i_HELP and, where there is a unit,
 * FIELD_i_UNIT. Everything is little-endian whatever the machine. */
#ifndef ESPALIER_STORE_H5_H
#define ESPALIER_STORE_H5_H

#include "store/table.h"

#include <hdf5.h>

enum { H5_REASON_BYTES = 256 };

/* HDF5 stays silent; errors are ours to tell. */
void h5_silence(void);
/* Why the last HDF5 call failed: the innermost message of its error stack. Returns reason. To be
 * asked before any other HDF5 call is made. */
const char *h5_reason(char reason[H5_REASON_BYTES]);

/* The dataset of table t, still without attributes, n rows of zeros. Collective over the file. */
err h5_table_create(hid_t file, const table *t, size_t n, hid_t *dataset);
/* Title, names, units and help. Collective over the file. */
err h5_table_describe(hid_t dataset, const table *t);
/* Rows first … first + n - 1 from rows; n = 0 takes part and writes nothing. transfer: a transfer
 * property list. Collective if transfer says so. */
err h5_table_write(hid_t dataset, const table *t, hid_t transfer, const void *rows, size_t first,
                   size_t n);

/* Open the dataset of table t and check that it has the schema's columns; *n: its rows. ERR_DATA.
 * Not collective. */
err h5_table_open(hid_t file, const table *t, hid_t *dataset, size_t *n);
/* All rows; rows has room for n. Not collective. */
err h5_table_read(hid_t dataset, const table *t, void *rows, size_t n);

/* A text attribute, cut to size, "" where there is none. Not collective. */
void h5_attribute(hid_t object, const char *name, char *text, size_t size);

#endif
