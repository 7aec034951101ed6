#include "io/safetensors.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_MAX = 16 << 20, MAX_RANK = 8 };

struct safetensors {
    char path[4096];
    unsigned char *map;
    size_t size;
    json_t *header; /* owns the names */
    st_array *array;
    int n;
};

static const struct {
    const char *name;
    int bytes;
} DTYPE[] = {
    [ST_F64] = {"F64", 8}, [ST_F32] = {"F32", 4}, [ST_F16] = {"F16", 2}, [ST_BF16] = {"BF16", 2},
    [ST_I64] = {"I64", 8}, [ST_I32] = {"I32", 4}, [ST_U8] = {"U8", 1},   [ST_BOOL] = {"BOOL", 1}};

static uint64_t little_endian(const unsigned char *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static err map_file(safetensors *s) {
    struct stat st;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0, ERR_IO, "cannot read %s: %s", s->path, strerror(errno));
    err e = OK;
    ENSURE(fstat(fd, &st) == 0 && S_ISREG(st.st_mode), ERR_IO, "%s is not a plain file", s->path);
    ENSURE(st.st_size >= 8, ERR_DATA,
           "%s: truncated: %lld bytes, a safetensors file has at least 8", s->path,
           (long long)st.st_size);
    s->size = (size_t)st.st_size;
    s->map = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (s->map == MAP_FAILED) {
        s->map = NULL;
        ENSURE(0, ERR_IO, "cannot map %s: %s", s->path, strerror(errno));
    }
done:
    close(fd);
    return e;
}

static err parse_header(safetensors *s, uint64_t *header) {
    json_error_t error;
    *header = little_endian(s->map);
    CHECK(*header <= HEADER_MAX, ERR_DATA, "%s: header of %llu bytes, at most 16 MiB are allowed",
          s->path, (unsigned long long)*header);
    CHECK(*header <= s->size - 8, ERR_DATA,
          "%s: truncated: the header has %llu bytes, the file %zu", s->path,
          (unsigned long long)*header, s->size);
    s->header =
        json_loadb((const char *)s->map + 8, (size_t)*header, JSON_REJECT_DUPLICATES, &error);
    CHECK(s->header, ERR_DATA, "%s: header, column %d: %s", s->path, error.column, error.text);
    CHECK(json_is_object(s->header), ERR_DATA, "%s: the header is not an object", s->path);
    const json_t *metadata = json_object_get(s->header, "__metadata__");
    CHECK(!metadata || json_is_object(metadata), ERR_DATA, "%s: __metadata__ is not an object",
          s->path);
    return OK;
}

static err parse_shape(const char *where, const json_t *shape, st_array *a) {
    CHECK(json_is_array(shape) && json_array_size(shape) <= MAX_RANK, ERR_DATA,
          "%s: shape is not a list of at most %d sizes", where, (int)MAX_RANK);
    a->rank = (int)json_array_size(shape);
    a->count = 1;
    for (int i = 0; i < a->rank; i++) {
        const json_t *v = json_array_get(shape, (size_t)i);
        CHECK(json_is_integer(v) && json_integer_value(v) >= 0, ERR_DATA,
              "%s: shape has an entry that is not a size", where);
        a->shape[i] = json_integer_value(v);
        CHECK(!__builtin_mul_overflow(a->count, a->shape[i], &a->count) &&
                  a->count < INT64_MAX / 16,
              ERR_DATA, "%s: the product of the shape overflows", where);
    }
    return OK;
}

static err parse_array(const safetensors *s, const char *name, const json_t *o, size_t data,
                       st_array *a) {
    char where[4300];
    snprintf(where, sizeof where, "%s: array \"%.120s\"", s->path, name);
    const char *dtype;
    CALL(json_get_text(o, where, "dtype", &dtype));
    int known = -1;
    for (size_t i = 0; i < sizeof DTYPE / sizeof *DTYPE; i++)
        if (strcmp(dtype, DTYPE[i].name) == 0)
            known = (int)i;
    CHECK(known >= 0, ERR_DATA, "%s: unknown dtype \"%.20s\"", where, dtype);
    a->name = name;
    a->dtype = (st_dtype)known;
    CALL(parse_shape(where, json_object_get(o, "shape"), a));
    const json_t *span = json_object_get(o, "data_offsets");
    const json_t *first = json_array_get(span, 0), *last = json_array_get(span, 1);
    CHECK(json_array_size(span) == 2 && json_is_integer(first) && json_is_integer(last), ERR_DATA,
          "%s: data_offsets is not a pair of whole numbers", where);
    int64_t begin = json_integer_value(first), end = json_integer_value(last);
    CHECK(begin >= 0 && end >= begin && (uint64_t)end <= s->size - data, ERR_DATA,
          "%s: data_offsets [%lld, %lld] do not lie in the file's %zu bytes of data (truncated?)",
          where, (long long)begin, (long long)end, s->size - data);
    CHECK(end - begin == a->count * DTYPE[known].bytes, ERR_DATA,
          "%s: %lld bytes of data, but dtype and shape make %lld", where, (long long)(end - begin),
          (long long)(a->count * DTYPE[known].bytes));
    a->data = s->map + data + begin;
    return OK;
}

static int by_data(const void *x, const void *y) {
    const st_array *a = x, *b = y;
    if (a->data != b->data)
        return a->data < b->data ? -1 : 1;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1; /* empty arrays first */
    return strcmp(a->name, b->name);
}

/* in file order every byte of the data belongs to exactly one array */
static err check_cover(const safetensors *s, size_t data) {
    const unsigned char *at = s->map + data;
    for (int i = 0; i < s->n; i++) {
        const st_array *a = &s->array[i];
        const unsigned char *begin = a->data;
        CHECK(begin == at, ERR_DATA, "%s: array \"%.120s\" %s the one before it", s->path, a->name,
              begin < at ? "overlaps" : "leaves a hole behind");
        at = begin + a->count * DTYPE[a->dtype].bytes;
    }
    CHECK(at == s->map + s->size, ERR_DATA, "%s: %zu bytes behind the last array", s->path,
          (size_t)(s->map + s->size - at));
    return OK;
}

err safetensors_open(const char *path, safetensors **out) {
    safetensors *s = NULL;
    uint64_t header = 0;
    const char *name;
    json_t *o;
    err e;
    TRY(mem_alloc(1, sizeof *s, &s));
    snprintf(s->path, sizeof s->path, "%s", path);
    TRY(map_file(s));
    TRY(parse_header(s, &header));
    TRY(mem_alloc(json_object_size(s->header) + 1, sizeof *s->array, &s->array));
    size_t data = 8 + (size_t)header;
    json_object_foreach(s->header, name, o) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        TRY(parse_array(s, name, o, data, &s->array[s->n]));
        s->n++;
    }
    qsort(s->array, (size_t)s->n, sizeof *s->array, by_data);
    TRY(check_cover(s, data));
    *out = s;
    s = NULL;
done:
    safetensors_close(&s);
    return e;
}

void safetensors_close(safetensors **s) {
    if (!*s)
        return;
    if ((*s)->map)
        munmap((*s)->map, (*s)->size);
    json_decref((*s)->header);
    free((*s)->array);
    free(*s);
    *s = NULL;
}

int safetensors_count(const safetensors *s) {
    return s->n;
}

const st_array *safetensors_at(const safetensors *s, int i) {
    return &s->array[i];
}

const st_array *safetensors_find(const safetensors *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->array[i].name, name) == 0)
            return &s->array[i];
    return NULL;
}

/* IEEE binary16 to double */
static double from_half(uint16_t h) {
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h >> 15 ? -v : v;
}

static double element(const st_array *a, int64_t i) {
    const unsigned char *p = (const unsigned char *)a->data + i * DTYPE[a->dtype].bytes;
    double d;
    float f;
    uint16_t h;
    uint32_t w;
    switch (a->dtype) {
    case ST_F64:
        memcpy(&d, p, sizeof d);
        return d;
    case ST_F32:
        memcpy(&f, p, sizeof f);
        return f;
    case ST_F16:
        memcpy(&h, p, sizeof h);
        return from_half(h);
    default: /* bfloat16: the upper half of a float32 */
        memcpy(&h, p, sizeof h);
        w = (uint32_t)h << 16;
        memcpy(&f, &w, sizeof f);
        return f;
    }
}

static err check_copy(const safetensors *s, const st_array *a, int64_t count, int real) {
    int is_real = a->dtype <= ST_BF16;
    CHECK(is_real == real && a->dtype != ST_BOOL, ERR_DATA,
          "%s: array \"%.120s\" has dtype %s, expected %s", s->path, a->name, DTYPE[a->dtype].name,
          real ? "a floating type" : "an integer type");
    CHECK(a->count == count, ERR_DATA, "%s: array \"%.120s\" has %lld elements, expected %lld",
          s->path, a->name, (long long)a->count, (long long)count);
    return OK;
}

/* one element, refused where it is not finite or above limit */
static err read_element(const safetensors *s, const st_array *a, int64_t i, double limit,
                        double *v) {
    *v = element(a, i);
    CHECK(fabs(*v) <= limit, ERR_DATA, "%s: array \"%.120s\": element %lld is not finite%s",
          s->path, a->name, (long long)i, isfinite(*v) ? " as float32" : "");
    return OK;
}

/* Sixteen bits as float32, exactly: bfloat16 is its upper half; of binary16 exponent and fraction
 * are put where float32's are, and the power of two makes up for the other bias, also below the
 * normal range. Infinity and NaN become infinity, which the caller refuses. */
static void widen(float *out, const st_array *a) {
    const unsigned char *p = a->data;
    int half = a->dtype == ST_F16;
    for (int64_t i = 0; i < a->count; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
        uint32_t bits = sign | rest << (half ? 13 : 16);
        float x;
        memcpy(&x, &bits, sizeof x);
        out[i] = !half ? x : rest < 0x7c00 ? x * 0x1p112f : INFINITY;
    }
}

/* the common cases at the speed of memory; 0: an element is not finite, or the dtype is another */
static int copy_f32(const st_array *a, float *out) {
    int good = 1;
    if (a->dtype == ST_F32)
        memcpy(out, a->data, (size_t)a->count * sizeof *out);
    else if (a->dtype == ST_F16 || a->dtype == ST_BF16)
        widen(out, a);
    else
        return 0;
    for (int64_t i = 0; i < a->count; i++)
        good &= fabsf(out[i]) <= 0x1.fffffep127f;
    return good;
}

/* the pages of an array that was copied are given back: they would count as this process's memory
 * until the file is closed */
static void release(const st_array *a) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)a->data;
    uintptr_t end = begin + (uintptr_t)a->count * (uintptr_t)DTYPE[a->dtype].bytes;
    begin = begin / page * page; /* a page shared with a neighbour is read again where needed */
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

err st_copy_f32(const safetensors *s, const st_array *a, float *out, int64_t count) {
    CALL(check_copy(s, a, count, 1));
    if (!copy_f32(a, out))
        for (int64_t i = 0; i < count; i++) {
            double v;
            CALL(read_element(s, a, i, 0x1.fffffep127, &v));
            out[i] = (float)v;
        }
    release(a);
    return OK;
}

err st_copy_f64(const safetensors *s, const st_array *a, double *out, int64_t count) {
    CALL(check_copy(s, a, count, 1));
    for (int64_t i = 0; i < count; i++)
        CALL(read_element(s, a, i, 0x1.fffffffffffffp1023, &out[i]));
    return OK;
}

err st_copy_i32(const safetensors *s, const st_array *a, int32_t *out, int64_t count) {
    CALL(check_copy(s, a, count, 0));
    const unsigned char *p = a->data;
    for (int64_t i = 0; i < count; i++) {
        int64_t v = 0;
        if (a->dtype == ST_U8) {
            v = p[i];
        } else if (a->dtype == ST_I32) {
            memcpy(&out[i], p + 4 * i, 4);
            continue;
        } else {
            memcpy(&v, p + 8 * i, 8);
        }
        CHECK(v >= INT32_MIN && v <= INT32_MAX, ERR_DATA,
              "%s: array \"%.120s\": element %lld does not fit 32 bits", s->path, a->name,
              (long long)i);
        out[i] = (int32_t)v;
    }
    return OK;
}

void safetensors_forget(const safetensors *s, const void *data, size_t bytes) {
    /* a fault may map the whole piece of page cache around it, up to 2 MiB, once more */
    const size_t piece = (size_t)2 << 20;
    const size_t first = (size_t)((const unsigned char *)data - s->map) / piece * piece;
    const size_t end = (size_t)((const unsigned char *)data - s->map) + bytes;
    (void)madvise(s->map + first, end - first, MADV_DONTNEED); /* a hint */
}

static err make_header(const st_array *arrays, int n, strbuf *out) {
    int64_t at = 0;
    CALL(strbuf_printf(out, "{\"__metadata__\":{\"format\":\"pt\"}"));
    for (int i = 0; i < n; i++) {
        const st_array *a = &arrays[i];
        int64_t bytes = a->count * DTYPE[a->dtype].bytes;
        for (const char *c = a->name; *c; c++)
            CHECK((unsigned char)*c >= ' ' && *c != '"' && *c != '\\', ERR_FAILED,
                  "safetensors: the name \"%.120s\" needs escapes", a->name);
        CALL(strbuf_printf(out, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", a->name,
                           DTYPE[a->dtype].name));
        for (int k = 0; k < a->rank; k++)
            CALL(strbuf_printf(out, "%s%lld", k ? "," : "", (long long)a->shape[k]));
        CALL(strbuf_printf(out, "],\"data_offsets\":[%lld,%lld]}", (long long)at,
                           (long long)(at + bytes)));
        at += bytes;
    }
    CALL(strbuf_printf(out, "}"));
    while (out->len % 8) /* the format pads with spaces, so that data is aligned */
        CALL(strbuf_add(out, " ", 1));
    return OK;
}

err safetensors_write(const char *path, const st_array *arrays, int n) {
    strbuf header = {0};
    atomic_file file = {0};
    unsigned char size[8];
    err e;
    TRY(make_header(arrays, n, &header));
    TRY(atomic_begin(path, &file));
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)(header.len >> 8 * i);
    fwrite(size, 1, 8, file.f);
    fwrite(header.text, 1, header.len, file.f);
    for (int i = 0; i < n; i++)
        if (arrays[i].count)
            fwrite(arrays[i].data, (size_t)DTYPE[arrays[i].dtype].bytes, (size_t)arrays[i].count,
                   file.f);
    TRY(atomic_commit(&file));
done:
    atomic_discard(&file);
    strbuf_free(&header);
    return e;
}
