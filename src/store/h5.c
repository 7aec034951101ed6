#include "store/h5.h"

#include <stdio.h>
#include <string.h>

/* bytes of a chunk: one read of a parallel file system's stripe holds several */
enum { CHUNK_BYTES = 65536 };

void h5_silence(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static herr_t innermost(unsigned depth, const H5E_error2_t *error, void *reason) {
    (void)depth; /* walking upward, 0 is where it happened */
    snprintf(reason, H5_REASON_BYTES, "%s", error->desc);
    return 1;
}

const char *h5_reason(char reason[H5_REASON_BYTES]) {
    snprintf(reason, H5_REASON_BYTES, "no reason given by HDF5");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
    return reason;
}

static hid_t text_type(size_t width) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t column_type_of(const column *c) {
    switch (c->type) {
    case COLUMN_text:
        return text_type(c->width);
    case COLUMN_integer:
        return H5Tcopy(H5T_STD_I64LE);
    case COLUMN_int32:
        return H5Tcopy(H5T_STD_I32LE);
    case COLUMN_int16:
        return H5Tcopy(H5T_STD_I16LE);
    case COLUMN_int8:
        return H5Tcopy(H5T_STD_I8LE);
    default:
        return H5Tcopy(H5T_IEEE_F64LE);
    }
}

/* Rows in memory and in the file alike: the same order, no holes. */
static hid_t row_type(const table *t) {
    const hid_t type = H5Tcreate(H5T_COMPOUND, t->row_bytes);
    size_t offset = 0;
    for (int i = 0; i < t->n_columns; i++) {
        const hid_t field = column_type_of(&t->columns[i]);
        H5Tinsert(type, t->columns[i].name, offset, field);
        H5Tclose(field);
        offset += t->columns[i].width;
    }
    return type;
}

err h5_table_create(hid_t file, const table *t, size_t n, hid_t *dataset) {
    char reason[H5_REASON_BYTES];
    const hsize_t rows = n, unlimited = H5S_UNLIMITED, most = CHUNK_BYTES / t->row_bytes;
    const hsize_t chunk = n == 0 ? 1 : n < most ? n : most;
    const hid_t type = row_type(t);
    const hid_t space = H5Screate_simple(1, &rows, &unlimited);
    const hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(how, 1, &chunk);
    /* same content, same bytes: no time stamps, and zeros behind the last row of the last chunk */
    H5Pset_obj_track_times(how, 0);
    H5Pset_fill_time(how, H5D_FILL_TIME_ALLOC);
    *dataset = H5Dcreate2(file, t->name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    err e = OK;
    ENSURE(*dataset >= 0, ERR_IO, "/%s cannot be created: %s", t->name, h5_reason(reason));
done:
    H5Pclose(how);
    H5Sclose(space);
    H5Tclose(type);
    return e;
}

static err put_attribute(hid_t dataset, const char *name, const char *text) {
    char reason[H5_REASON_BYTES];
    /* without its NUL, which PyTables would take for a part of the text */
    const hid_t type = text_type(strlen(text)), space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    err e = OK;
    ENSURE(attribute >= 0 && H5Awrite(attribute, type, text) >= 0, ERR_IO,
           "attribute %s cannot be written: %s", name, h5_reason(reason));
done:
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return e;
}

err h5_table_describe(hid_t dataset, const table *t) {
    char name[64];
    CALL(put_attribute(dataset, "CLASS", "TABLE"));
    CALL(put_attribute(dataset, "VERSION", "3.0"));
    CALL(put_attribute(dataset, "TITLE", t->title));
    for (int i = 0; i < t->n_columns; i++) {
        snprintf(name, sizeof name, "FIELD_%d_NAME", i);
        CALL(put_attribute(dataset, name, t->columns[i].name));
        snprintf(name, sizeof name, "FIELD_%d_UNIT", i);
        if (t->columns[i].unit[0])
            CALL(put_attribute(dataset, name, t->columns[i].unit));
        snprintf(name, sizeof name, "FIELD_%d_HELP", i);
        CALL(put_attribute(dataset, name, t->columns[i].help));
    }
    return OK;
}

err h5_table_write(hid_t dataset, const table *t, hid_t transfer, const void *rows, size_t first,
                   size_t n) {
    char reason[H5_REASON_BYTES];
    const hsize_t start = first, count = n;
    const hid_t type = row_type(t), memory = H5Screate_simple(1, &count, NULL);
    const hid_t file = H5Dget_space(dataset);
    if (n > 0)
        H5Sselect_hyperslab(file, H5S_SELECT_SET, &start, NULL, &count, NULL);
    else
        H5Sselect_none(file);
    err e = OK;
    ENSURE(H5Dwrite(dataset, type, memory, file, transfer, rows) >= 0, ERR_IO,
           "rows of /%s cannot be written: %s", t->name, h5_reason(reason));
done:
    H5Sclose(file);
    H5Sclose(memory);
    H5Tclose(type);
    return e;
}

static const char mend[] = "another version of espalier wrote it; `espalier report` writes it anew";

static err compare_column(hid_t stored, hid_t wanted, const table *t, int i) {
    char *name = H5Tget_member_name(stored, (unsigned)i);
    const hid_t type = H5Tget_member_type(stored, (unsigned)i);
    const hid_t expected = H5Tget_member_type(wanted, (unsigned)i);
    err e = OK;
    ENSURE(name && strcmp(name, t->columns[i].name) == 0, ERR_DATA,
           "/%s: column %d is \"%s\", expected \"%s\": %s", t->name, i, name ? name : "",
           t->columns[i].name, mend);
    ENSURE(H5Tequal(type, expected) > 0, ERR_DATA, "/%s: column \"%s\" has another type: %s",
           t->name, name, mend);
done:
    H5free_memory(name);
    H5Tclose(expected);
    H5Tclose(type);
    return e;
}

static err compare_columns(hid_t stored, hid_t wanted, const table *t) {
    CHECK(H5Tget_class(stored) == H5T_COMPOUND, ERR_DATA, "/%s is not a table", t->name);
    const int n = H5Tget_nmembers(stored);
    CHECK(n == t->n_columns, ERR_DATA, "/%s has %d columns, expected %d: %s", t->name, n,
          t->n_columns, mend);
    for (int i = 0; i < n; i++)
        CALL(compare_column(stored, wanted, t, i));
    return OK;
}

err h5_table_open(hid_t file, const table *t, hid_t *dataset, size_t *n) {
    char reason[H5_REASON_BYTES];
    *dataset = H5Dopen2(file, t->name, H5P_DEFAULT);
    CHECK(*dataset >= 0, ERR_DATA, "/%s cannot be opened: %s", t->name, h5_reason(reason));
    const hid_t wanted = row_type(t), stored = H5Dget_type(*dataset);
    const hid_t space = H5Dget_space(*dataset);
    hsize_t rows = 0;
    err e;
    TRY(compare_columns(stored, wanted, t));
    ENSURE(H5Sget_simple_extent_ndims(space) == 1 &&
               H5Sget_simple_extent_dims(space, &rows, NULL) == 1,
           ERR_DATA, "/%s is not a list of rows", t->name);
    *n = (size_t)rows;
done:
    H5Sclose(space);
    H5Tclose(stored);
    H5Tclose(wanted);
    if (e != OK)
        H5Dclose(*dataset);
    return e;
}

err h5_table_read(hid_t dataset, const table *t, void *rows, size_t n) {
    char reason[H5_REASON_BYTES];
    const hid_t type = row_type(t);
    err e = OK;
    ENSURE(n == 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) >= 0, ERR_IO,
           "rows of /%s cannot be read: %s", t->name, h5_reason(reason));
done:
    H5Tclose(type);
    return e;
}

void h5_attribute(hid_t object, const char *name, char *text, size_t size) {
    memset(text, 0, size);
    if (H5Aexists(object, name) <= 0)
        return;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t stored = H5Aget_type(attribute), wanted = text_type(size);
    if (H5Tget_class(stored) == H5T_STRING && !H5Tis_variable_str(stored))
        H5Tset_cset(wanted, H5Tget_cset(stored));
    if (H5Aread(attribute, wanted, text) < 0)
        text[0] = '\0';
    text[size - 1] = '\0';
    H5Tclose(wanted);
    H5Tclose(stored);
    H5Aclose(attribute);
}
