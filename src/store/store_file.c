/* study.h5: written by all ranks together, read by one for all */
#include "store/h5.h"

#include "io/atomic_file.h"
#include "par/comm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* MPI transfers over 2 GiB can end with wrong bytes and no error */
enum { PIECE_BYTES = 1 << 30 };

/* More than the file will have: rows, the rest of a last chunk, attributes, chunk indices. */
static off_t bytes_needed(const store_content *c) {
    size_t bytes = 0;
    for (int t = 0; t < TABLE_COUNT; t++) {
        const size_t rows = table_view(c, t).n * table_at(t)->row_bytes;
        bytes += rows + rows / 32 + 131072;
    }
    return (off_t)bytes;
}

/* A disk that fills up while HDF5 writes leaves some ranks waiting in MPI-IO for ever, so the room
 * is taken before: of the disk, the quota and the limit on file sizes. Not collective. */
static err reserve(const char *tmp, off_t bytes) {
    const int f = open(tmp, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    CHECK(f >= 0, ERR_IO, "cannot be created: %s", strerror(errno));
    const int failed = posix_fallocate(f, 0, bytes);
    close(f);
    CHECK(!failed, ERR_IO, "no room for its %.1f MiB: %s", (double)bytes / 0x1p20,
          strerror(failed));
    return OK;
}

/* An empty file at tmp, opened for writing by all ranks, with room for c. */
static err create_file(const par *p, const char *tmp, const store_content *c, hid_t *file) {
    char reason[H5_REASON_BYTES];
    const off_t bytes = bytes_needed(c);
    CALL(par_agree(p, p->rank == 0 ? reserve(tmp, bytes) : OK));
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(access, par_comm_mpi(p), MPI_INFO_NULL);
    *file = H5Fcreate(tmp, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    err e = OK;
    ENSURE(*file >= 0, ERR_IO, "cannot be created: %s", h5_reason(reason));
done:
    H5Pclose(access);
    CALL(par_agree(p, e));
    /* creating gave the room back; closing cuts the file to its size */
    e = par_agree(p, p->rank == 0 ? reserve(tmp, bytes) : OK);
    if (e != OK)
        H5Fclose(*file);
    return e;
}

/* Rows n * rank / size … n * (rank + 1) / size - 1 are this rank's, written in pieces; every rank
 * takes part in as many pieces as the rank with most rows. */
static err write_rows(const par *p, hid_t dataset, const table *t, table_rows r) {
    const size_t size = (size_t)p->size, rank = (size_t)p->rank;
    const size_t piece = PIECE_BYTES / t->row_bytes, most = (r.n + size - 1) / size;
    const size_t end = r.n * (rank + 1) / size;
    size_t first = r.n * rank / size;
    const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
    err e = OK;
    for (size_t done_rows = 0; done_rows < most; done_rows += piece) {
        const size_t n = end - first < piece ? end - first : piece;
        const char *rows = (const char *)r.rows + first * t->row_bytes;
        TRY(par_agree(p, h5_table_write(dataset, t, transfer, rows, first, n)));
        first += n;
    }
done:
    H5Pclose(transfer);
    return e;
}

static err write_table(const par *p, hid_t file, const table *t, table_rows r) {
    hid_t dataset;
    CALL(par_agree(p, h5_table_create(file, t, r.n, &dataset)));
    err e;
    TRY(par_agree(p, h5_table_describe(dataset, t)));
    TRY(write_rows(p, dataset, t, r));
done:
    H5Dclose(dataset);
    return e;
}

static err write_tables(const par *p, hid_t file, const store_content *c) {
    char reason[H5_REASON_BYTES];
    for (int t = 0; t < TABLE_COUNT; t++)
        CALL(write_table(p, file, table_at(t), table_view(c, t)));
    /* MPI_File_sync on every rank: rank 0's fsync does not reach what other hosts wrote */
    err e = OK;
    ENSURE(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0, ERR_IO, "cannot be flushed: %s",
           h5_reason(reason));
done:
    return par_agree(p, e);
}

/* Creating a dataset hangs when ranks disagree on its size. */
static err agree_on_rows(const par *p, const store_content *c) {
    int64_t extreme[2 * TABLE_COUNT];
    for (int t = 0; t < TABLE_COUNT; t++) {
        extreme[2 * t] = (int64_t)table_view(c, t).n;
        extreme[2 * t + 1] = -extreme[2 * t];
    }
    CALL(par_max_i64(p, extreme, 2 * TABLE_COUNT));
    for (int t = 0; t < TABLE_COUNT; t++)
        CHECK(extreme[2 * t] == -extreme[2 * t + 1], ERR_FAILED,
              "/%s has %lld rows on one rank and %lld on another", table_at(t)->name,
              (long long)-extreme[2 * t + 1], (long long)extreme[2 * t]);
    return OK;
}

static err write_file(const par *p, const char *tmp, const store_content *c) {
    char reason[H5_REASON_BYTES];
    hid_t file;
    CALL(agree_on_rows(p, c));
    CALL(create_file(p, tmp, c, &file));
    err e = write_tables(p, file, c);
    err closed = OK;
    if (H5Fclose(file) < 0)
        closed = err_raise(ERR_IO, __FILE__, __LINE__, "cannot be closed: %s", h5_reason(reason));
    closed = par_agree(p, closed);
    return e != OK ? e : closed;
}

err store_write(const par *p, const char *path, const store_content *c) {
    char tmp[4096];
    h5_silence();
    CHECK(snprintf(tmp, sizeof tmp, "%s.tmp", path) < (int)sizeof tmp, ERR_IO,
          "%s: this path is too long", path);
    err e = write_file(p, tmp, c);
    if (p->rank == 0) {
        if (e == OK)
            e = atomic_publish(tmp, path);
        else
            remove(tmp);
    }
    e = par_agree(p, e);
    return e == OK ? OK : err_prefix(e, "%s", path);
}

static err open_to_read(const char *path, hid_t *file) {
    char reason[H5_REASON_BYTES];
    h5_silence();
    CHECK(access(path, R_OK) == 0, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    const hid_t how = H5Pcreate(H5P_FILE_ACCESS);
    /* a published store never changes, and locks fail on some network file systems */
    H5Pset_file_locking(how, 0, 1);
    *file = H5Fopen(path, H5F_ACC_RDONLY, how);
    err e = OK;
    ENSURE(*file >= 0, ERR_DATA, "%s: not an HDF5 file: %s", path, h5_reason(reason));
done:
    H5Pclose(how);
    return e;
}

static err read_table(hid_t file, store_content *c, int t) {
    hid_t dataset;
    size_t n;
    CALL(h5_table_open(file, table_at(t), &dataset, &n));
    err e;
    TRY(table_resize(c, t, n));
    TRY(h5_table_read(dataset, table_at(t), table_view(c, t).rows, n));
done:
    H5Dclose(dataset);
    return e;
}

static err read_file(const char *path, store_content *c) {
    hid_t file;
    CALL(open_to_read(path, &file));
    err e = OK;
    for (int t = 0; t < TABLE_COUNT && e == OK; t++)
        e = read_table(file, c, t);
    H5Fclose(file);
    return e == OK ? OK : err_prefix(e, "%s", path);
}

/* Rank 0's content to all. */
static err share(const par *p, store_content *c) {
    for (int t = 0; t < TABLE_COUNT; t++) {
        int64_t n = (int64_t)table_view(c, t).n;
        CALL(par_bcast(p, &n, sizeof n, 0));
        CALL(par_agree(p, table_resize(c, t, (size_t)n)));
        CALL(par_bcast(p, table_view(c, t).rows, (size_t)n * table_at(t)->row_bytes, 0));
    }
    return OK;
}

err store_read(const par *p, const char *path, store_content *c) {
    store_content_free(c);
    err e = par_agree(p, p->rank == 0 ? read_file(path, c) : OK);
    if (e == OK)
        e = share(p, c);
    if (e != OK)
        store_content_free(c);
    return e;
}

/* More rows than ranks in one table, fewer in another, none in the others. */
static err sample(const par *p, store_content *c) {
    store_attack *a;
    store_provenance *v;
    for (int i = 0; i < 2 * p->size + 1; i++) {
        CALL(store_add_attacks(c, &a));
        store_text(a->model, sizeof a->model, "selftest");
        a->row = i;
        a->prob = 1.0 / (i + 1.0);
    }
    CALL(store_add_provenance(c, &v));
    store_text(v->key, sizeof v->key, "espalier");
    return OK;
}

static err compare(const char *path, const store_content *a, const store_content *b) {
    for (int t = 0; t < TABLE_COUNT; t++) {
        const table_rows x = table_view(a, t), y = table_view(b, t);
        CHECK(x.n == y.n && (x.n == 0 || memcmp(x.rows, y.rows, x.n * table_at(t)->row_bytes) == 0),
              ERR_IO,
              "%s: /%s does not read back as it was written: is this file system fit for MPI-IO?",
              path, table_at(t)->name);
    }
    return OK;
}

err store_selftest(const par *p, const char *path) {
    store_content written = {0}, got = {0};
    err e;
    TRY(par_agree(p, sample(p, &written)));
    TRY(store_write(p, path, &written));
    TRY(store_read(p, path, &got));
    TRY(par_agree(p, compare(path, &written, &got)));
    if (p->rank == 0)
        remove(path);
done:
    store_content_free(&written);
    store_content_free(&got);
    return e;
}

static err describe_columns(hid_t dataset, hid_t type, strbuf *out) {
    char key[64], unit[64], help[256], shown[32];
    for (int i = 0; i < H5Tget_nmembers(type); i++) {
        char *name = H5Tget_member_name(type, (unsigned)i);
        const hid_t field = H5Tget_member_type(type, (unsigned)i);
        const H5T_class_t class = H5Tget_class(field);
        snprintf(key, sizeof key, "FIELD_%d_UNIT", i);
        h5_attribute(dataset, key, unit, sizeof unit);
        snprintf(key, sizeof key, "FIELD_%d_HELP", i);
        h5_attribute(dataset, key, help, sizeof help);
        if (class == H5T_STRING)
            snprintf(shown, sizeof shown, "text %zu", H5Tget_size(field));
        else
            snprintf(shown, sizeof shown, "%s", class == H5T_FLOAT ? "real" : "integer");
        err e =
            strbuf_printf(out, "    %-16s %-9s %-10s %s\n", name ? name : "", shown, unit, help);
        H5free_memory(name);
        H5Tclose(field);
        CALL(e);
    }
    return OK;
}

static err describe_table(hid_t file, const char *name, strbuf *out) {
    char title[256];
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        return OK; /* a group or something else that is no table */
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    err e;
    h5_attribute(dataset, "TITLE", title, sizeof title);
    TRY(strbuf_printf(out, "/%-14s %8lld rows  %s\n", name,
                      (long long)H5Sget_simple_extent_npoints(space), title));
    if (H5Tget_class(type) == H5T_COMPOUND)
        TRY(describe_columns(dataset, type, out));
done:
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return e;
}

err store_describe(const char *path, strbuf *out) {
    char name[256];
    H5G_info_t root;
    hid_t file;
    CALL(open_to_read(path, &file));
    err e = OK;
    ENSURE(H5Gget_info(file, &root) >= 0, ERR_DATA, "%s: has no root group", path);
    for (hsize_t i = 0; i < root.nlinks; i++) {
        if (H5Lget_name_by_idx(file, "/", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                               H5P_DEFAULT) >= 0)
            TRY(describe_table(file, name, out));
    }
done:
    H5Fclose(file);
    return e;
}
