/* safetensors: values of every dtype, the bytes written, and files that are not what they should be
 */
#include "base/rng.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "par/preempt.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* a file of this header (its length is written before it) and n bytes of data */
static void put_tensors(const char *path, const char *header, const void *data, size_t n) {
    unsigned char bytes[4096];
    size_t h = strlen(header);
    ck_assert_uint_le(8 + h + n, sizeof bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(h >> 8 * i);
    memcpy(bytes + 8, header, h);
    memcpy(bytes + 8 + h, data, n);
    put_file(path, bytes, 8 + h + n);
}

static const char every_header[] =
    "{\"h\":{\"dtype\":\"F16\",\"shape\":[2,4],\"data_offsets\":[0,16]},"
    "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]},"
    "\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[22,24]},"
    "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[24,24]},"
    "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
    "\"__metadata__\":{\"format\":\"pt\"},"
    "\"i\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[48,56]},"
    "\"d\":{\"dtype\":\"F64\",\"shape\":[1,1,1],\"data_offsets\":[32,40]},"
    "\"j\":{\"dtype\":\"I32\",\"shape\":[2,1],\"data_offsets\":[40,48]},"
    "\"t\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[56,57]}}   ";

static const unsigned char every_data[57] = {
    0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b, 0x00, 0x80, 0x55, 0x35, 0x00, 0x04, 0xff,
    0x03, 0x80, 0x3f, 0x49, 0x40, 0x01, 0x80, 7,    255,  0xdb, 0x0f, 0x49, 0x40, 0xff, 0xff,
    0x7f, 0xff, 0x18, 0x2d, 0x44, 0x54, 0xfb, 0x21, 0x09, 0x40, 0xff, 0xff, 0xff, 0xff, 0,
    0,    0,    0x80, 0xff, 0xff, 0xff, 0x7f, 0,    0,    0,    0,    1};

static void put_every(void) {
    put_tensors("every", every_header, every_data, sizeof every_data);
}

START_TEST(reads_every_dtype) {
    safetensors *s = NULL;
    float f[8];
    double d[8];
    int32_t i[2];
    put_every();
    ck_ok(safetensors_open("every", &s));
    ck_assert_int_eq(safetensors_count(s), 9);
    static const char *const names[] = {"h", "b", "u", "none", "x", "d", "j", "i", "t"};
    for (int k = 0; k < 9; k++)
        ck_assert_str_eq(safetensors_at(s, k)->name, names[k]);
    ck_assert_ptr_null(safetensors_find(s, "__metadata__"));
    const st_array *h = safetensors_find(s, "h");
    ck_assert(h->dtype == ST_F16 && h->rank == 2 && h->shape[0] == 2 && h->shape[1] == 4);
    ck_ok(st_copy_f64(s, h, d, 8));
    static const double halves[] = {1, -2, 0x1p-24, 65504, -0.0, 0x1.554p-2, 0x1p-14, 0x1.ff8p-15};
    for (int k = 0; k < 8; k++)
        ck_assert(d[k] == halves[k] && signbit(d[k]) == signbit(halves[k]));
    ck_ok(st_copy_f32(s, safetensors_find(s, "b"), f, 3));
    ck_assert(f[0] == 1.0f && f[1] == 3.140625f && f[2] == -0x1p-133f);
    ck_ok(st_copy_f32(s, safetensors_find(s, "x"), f, 2));
    ck_assert(f[0] == 3.14159274f && f[1] == -0x1.fffffep127f);
    ck_ok(st_copy_f64(s, safetensors_find(s, "x"), d, 2));
    ck_assert(d[0] == 3.14159274101257324219);
    ck_ok(st_copy_f64(s, safetensors_find(s, "d"), d, 1));
    ck_assert(d[0] == 3.14159265358979312);
    ck_ok(st_copy_f32(s, safetensors_find(s, "d"), f, 1));
    ck_assert(f[0] == 3.14159274f);
    ck_ok(st_copy_i32(s, safetensors_find(s, "j"), i, 2));
    ck_assert(i[0] == -1 && i[1] == INT32_MIN);
    ck_ok(st_copy_i32(s, safetensors_find(s, "i"), i, 1));
    ck_assert(i[0] == INT32_MAX && safetensors_find(s, "i")->rank == 0);
    ck_ok(st_copy_i32(s, safetensors_find(s, "u"), i, 2));
    ck_assert(i[0] == 7 && i[1] == 255);
    ck_assert(safetensors_find(s, "none")->count == 0 && safetensors_find(s, "t")->count == 1);
    safetensors_close(&s);
    ck_assert_ptr_null(s);
    safetensors_close(&s);
}
END_TEST

/* every finite number of sixteen bits, by the fast way and by the obvious one */
START_TEST(every_sixteen_bits) {
    static uint16_t bits[65536];
    static float fast[65536];
    static double slow[65536];
    safetensors *s;
    int64_t n = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        uint32_t infinite = _i ? 0x7f80 : 0x7c00;
        if ((h & infinite) != infinite)
            bits[n++] = (uint16_t)h;
    }
    st_array a = {.name = "a", .dtype = _i ? ST_BF16 : ST_F16, .rank = 1, .shape = {n}, .count = n};
    a.data = bits;
    ck_ok(safetensors_write("sixteen", &a, 1));
    ck_ok(safetensors_open("sixteen", &s));
    ck_ok(st_copy_f32(s, safetensors_at(s, 0), fast, n));
    ck_ok(st_copy_f64(s, safetensors_at(s, 0), slow, n));
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg((double)fast[i] == slow[i] && !signbit(fast[i]) == !signbit(slow[i]),
                      "%04x: %g, expected %g", bits[i], (double)fast[i], slow[i]);
    safetensors_close(&s);
}
END_TEST

START_TEST(refuses_copies) {
    safetensors *s = NULL;
    float f[8];
    double d[8];
    int32_t i[2];
    put_every();
    ck_ok(safetensors_open("every", &s));
    ck_refused(st_copy_f32(s, safetensors_find(s, "h"), f, 7), ERR_DATA,
               "every: array \"h\" has 8 elements, expected 7");
    ck_refused(st_copy_f32(s, safetensors_find(s, "i"), f, 1), ERR_DATA,
               "has dtype I64, expected a floating type");
    ck_refused(st_copy_f64(s, safetensors_find(s, "t"), d, 1), ERR_DATA, "has dtype BOOL");
    ck_refused(st_copy_i32(s, safetensors_find(s, "t"), i, 1), ERR_DATA, "has dtype BOOL");
    ck_refused(st_copy_i32(s, safetensors_find(s, "x"), i, 2), ERR_DATA,
               "has dtype F32, expected an integer type");
    safetensors_close(&s);
}
END_TEST

/* the last element of an array is not finite, or does not fit */
static const struct {
    const char *dtype;
    int bytes, to; /* copy as: 32, 64 or 0 for int32 */
    unsigned char last[8];
    const char *message;
} bad_elements[] = {
    {"F32", 4, 32, {0, 0, 0xc0, 0x7f}, "bad: array \"a\": element 2 is not finite"},
    {"F32", 4, 64, {0, 0, 0x80, 0x7f}, "element 2 is not finite"},
    {"F32", 4, 32, {0, 0, 0x80, 0xff}, "element 2 is not finite"},
    {"F32", 4, 32, {1, 0, 0x80, 0x7f}, "element 2 is not finite"},
    {"F16", 2, 32, {0, 0x7c}, "element 2 is not finite"},
    {"F16", 2, 64, {1, 0xfc}, "element 2 is not finite"},
    {"BF16", 2, 32, {0x80, 0x7f}, "element 2 is not finite"},
    {"BF16", 2, 64, {0xc0, 0xff}, "element 2 is not finite"},
    {"F64", 8, 64, {0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, "element 2 is not finite"},
    {"F64", 8, 32, {0, 0, 0, 0, 0, 0, 0xf8, 0xff}, "element 2 is not finite"},
    {"F64", 8, 32, {0, 0, 0, 0, 0, 0, 0, 0x48}, "element 2 is not finite as float32"},
    {"I64", 8, 0, {0, 0, 0, 0x80, 0, 0, 0, 0}, "element 2 does not fit 32 bits"},
    {"I64", 8, 0, {0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff}, "does not fit 32 bits"},
};

START_TEST(refuses_elements) {
    char header[100];
    unsigned char data[24] = {0};
    float f[3];
    double d[3];
    int32_t n[3];
    safetensors *s = NULL;
    int bytes = bad_elements[_i].bytes, to = bad_elements[_i].to;
    snprintf(header, sizeof header,
             "{\"a\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%d]}}",
             bad_elements[_i].dtype, 3 * bytes);
    memcpy(data + 2 * bytes, bad_elements[_i].last, (size_t)bytes);
    put_tensors("bad", header, data, (size_t)(3 * bytes));
    ck_ok(safetensors_open("bad", &s));
    const st_array *a = safetensors_at(s, 0);
    err e = to == 32 ? st_copy_f32(s, a, f, 3)
            : to     ? st_copy_f64(s, a, d, 3)
                     : st_copy_i32(s, a, n, 3);
    ck_refused(e, ERR_DATA, bad_elements[_i].message);
    safetensors_close(&s);
}
END_TEST

/* every byte of a written file, and back */
START_TEST(writes) {
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"encoder.a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
        "\"c\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[16,16]}}";
    const float a[2] = {1.0f, -0.5f};
    const int64_t b = -3;
    const st_array arrays[] = {
        {.name = "encoder.a", .dtype = ST_F32, .rank = 2, .shape = {2, 1}, .count = 2, .data = a},
        {.name = "b", .dtype = ST_I64, .rank = 0, .count = 1, .data = &b},
        {.name = "c", .dtype = ST_F32, .rank = 1, .shape = {0}, .count = 0, .data = NULL},
    };
    ck_ok(safetensors_write("w", arrays, 3));
    char *bytes;
    size_t n, h = (sizeof header - 1 + 7) / 8 * 8;
    ck_ok(file_read("w", &bytes, &n));
    ck_assert_uint_eq(n, 8 + h + 16);
    ck_assert_uint_eq((unsigned char)bytes[0] + 256u * (unsigned char)bytes[1], h);
    ck_assert_mem_eq(bytes + 2, "\0\0\0\0\0", 6);
    ck_assert_mem_eq(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < h; i++)
        ck_assert_int_eq(bytes[8 + i], ' ');
    ck_assert_mem_eq(bytes + 8 + h, "\0\0\x80\x3f\0\0\0\xbf\xfd\xff\xff\xff\xff\xff\xff\xff", 16);
    free(bytes);
    safetensors *s = NULL;
    float back[2];
    ck_ok(safetensors_open("w", &s));
    ck_ok(st_copy_f32(s, safetensors_find(s, "encoder.a"), back, 2));
    ck_assert_mem_eq(back, a, sizeof a);
    safetensors_close(&s);
    ck_ok(safetensors_write("empty", NULL, 0));
    ck_ok(safetensors_open("empty", &s));
    ck_assert_int_eq(safetensors_count(s), 0);
    safetensors_close(&s);
}
END_TEST

START_TEST(refuses_to_write) {
    const float x[2000] = {0};
    st_array a = {.name = "quo\"te", .dtype = ST_F32, .rank = 1, .shape = {2000}, .count = 2000};
    a.data = x;
    put_text("w", "old");
    ck_refused(safetensors_write("w", &a, 1), ERR_FAILED, "needs escapes");
    a.name = "back\\slash";
    ck_refused(safetensors_write("w", &a, 1), ERR_FAILED, "needs escapes");
    a.name = "fine";
    ck_refused(safetensors_write("none/w", &a, 1), ERR_IO, "cannot write none/w");
    preempt_install();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}), 0);
    ck_refused(safetensors_write("w", &a, 1), ERR_IO, "nothing was published");
    char *bytes;
    size_t n;
    ck_ok(file_read("w", &bytes, &n));
    ck_assert_str_eq(bytes, "old");
    free(bytes);
}
END_TEST

/* one array of 8 bytes, described by this; data of 8 bytes */
#define A "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct {
    const char *header, *message;
} bad_headers[] = {
    {"", "bad: header, column"},
    {"   ", "bad: header, column"},
    {"[]", "bad: the header is not an object"},
    {"null", "expected near 'null'"},
    {"{", "bad: header, column 1"},
    {A "} x", "end of file expected"},
    {A ",\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}}", "duplicate object key"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     "duplicate object key"},
    {"{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "NUL"},
    {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "unable to decode"},
    {"{}", "8 bytes behind the last array"},
    {"{\"__metadata__\":{}}", "8 bytes behind the last array"},
    {A ",\"__metadata__\":[]}", "__metadata__ is not an object"},
    {"{\"a\":1}", "array \"a\": field \"dtype\" is missing"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "field \"dtype\" is missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "shape is not a list"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "data_offsets is not a pair"},
    {ONE("\"F33\"", "[2]", "[0,8]"), "unknown dtype \"F33\""},
    {ONE("\"f32\"", "[2]", "[0,8]"), "unknown dtype"},
    {ONE("\"\"", "[2]", "[0,8]"), "unknown dtype"},
    {ONE("4", "[2]", "[0,8]"), "field \"dtype\" is not a text"},
    {ONE("\"F32\"", "2", "[0,8]"), "shape is not a list"},
    {ONE("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "at most 8 sizes"},
    {ONE("\"F32\"", "[-2]", "[0,8]"), "not a size"},
    {ONE("\"F32\"", "[-1,-2]", "[0,8]"), "not a size"},
    {ONE("\"F32\"", "[2.0]", "[0,8]"), "not a size"},
    {ONE("\"F32\"", "[\"2\"]", "[0,8]"), "not a size"},
    {ONE("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "product of the shape overflows"},
    {ONE("\"F32\"", "[4294967296,4294967296,0]", "[0,0]"), "product of the shape overflows"},
    {ONE("\"F32\"", "[9223372036854775807]", "[0,8]"), "product of the shape overflows"},
    {ONE("\"F64\"", "[2305843009213693953]", "[0,8]"), "product of the shape overflows"},
    {ONE("\"F32\"", "[18446744073709551618]", "[0,8]"), "too big integer"},
    {ONE("\"F32\"", "[2]", "[0]"), "data_offsets is not a pair"},
    {ONE("\"F32\"", "[2]", "[0,8,8]"), "data_offsets is not a pair"},
    {ONE("\"F32\"", "[2]", "{}"), "data_offsets is not a pair"},
    {ONE("\"F32\"", "[2]", "[0.0,8.0]"), "data_offsets is not a pair"},
    {ONE("\"F32\"", "[2]", "[-8,0]"), "data_offsets [-8, 0] do not lie in the file's 8 bytes"},
    {ONE("\"F32\"", "[2]", "[8,0]"), "data_offsets [8, 0] do not lie"},
    {ONE("\"F32\"", "[2]", "[8,16]"), "truncated?"},
    {ONE("\"F32\"", "[2]", "[9223372036854775800,9223372036854775807]"), "do not lie"},
    {ONE("\"F32\"", "[2]", "[-9223372036854775808,9223372036854775807]"), "do not lie"},
    {ONE("\"F32\"", "[1]", "[0,8]"), "8 bytes of data, but dtype and shape make 4"},
    {ONE("\"F64\"", "[2]", "[0,8]"), "8 bytes of data, but dtype and shape make 16"},
    {ONE("\"F32\"", "[1]", "[0,4]"), "4 bytes behind the last array"},
    {ONE("\"F32\"", "[1]", "[4,8]"), "array \"a\" leaves a hole behind the one before it"},
    {A ",\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "overlaps"},
    {A ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[7,8]}}", "overlaps"},
    {A ",\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}", "overlaps"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
     "array \"b\" leaves a hole"},
};

START_TEST(refuses_headers) {
    safetensors *s = NULL;
    put_tensors("bad", bad_headers[_i].header, "12345678", 8);
    ck_refused(safetensors_open("bad", &s), ERR_DATA, bad_headers[_i].message);
    ck_assert_ptr_null(s);
}
END_TEST

/* a sparse file of this length whose first 8 bytes say how long the header is */
static void put_length(uint64_t header, off_t file) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(header >> 8 * i);
    put_file("long", bytes, 8);
    ck_assert_int_eq(truncate("long", file), 0);
}

START_TEST(refuses_lengths) {
    safetensors *s = NULL;
    put_length((16 << 20) + 1, 40 << 20);
    ck_refused(safetensors_open("long", &s), ERR_DATA, "header of 16777217 bytes, at most 16 MiB");
    put_length(UINT64_MAX, 1000);
    ck_refused(safetensors_open("long", &s), ERR_DATA, "at most 16 MiB");
    put_length(UINT64_MAX - 7, 1000); /* wraps to 0 where 8 is added without care */
    ck_refused(safetensors_open("long", &s), ERR_DATA, "at most 16 MiB");
    put_length(1 << 20, 1 << 20);
    ck_refused(safetensors_open("long", &s), ERR_DATA, "truncated: the header has 1048576 bytes");
    ck_refused(safetensors_open("none", &s), ERR_IO, "cannot read none");
    ck_refused(safetensors_open(".", &s), ERR_IO, "is not a plain file");
    put_text("long", "");
    ck_refused(safetensors_open("long", &s), ERR_DATA, "truncated: 0 bytes");
    ck_assert_ptr_null(s);
}
END_TEST

/* Refused as data, or all of it lies in the file and can be read: 1. */
static int reads_or_refuses(const char *path, size_t size) {
    safetensors *s = NULL;
    err e = safetensors_open(path, &s);
    if (e != OK) {
        ck_assert_int_eq(e, ERR_DATA);
        ck_assert_ptr_null(s);
        return 0;
    }
    size_t total = 0;
    unsigned sum = 0;
    static const int width[] = {8, 4, 2, 2, 8, 4, 1, 1};
    for (int i = 0; i < safetensors_count(s); i++) {
        const st_array *a = safetensors_at(s, i);
        ck_assert_ptr_nonnull(safetensors_find(s, a->name));
        for (int64_t k = 0; k < a->count * width[a->dtype]; k++)
            sum += ((const unsigned char *)a->data)[k];
        total += (size_t)a->count * (size_t)width[a->dtype];
    }
    ck_assert_uint_lt(total, size);
    ck_assert_uint_le(sum, 255 * total);
    safetensors_close(&s);
    return 1;
}

/* cut off at every byte, and one byte too long */
START_TEST(truncated) {
    char *bytes;
    size_t n;
    put_every();
    ck_ok(file_read("every", &bytes, &n));
    for (size_t cut = 0; cut < n; cut++) {
        put_file("cut", bytes, cut);
        ck_assert_int_eq(reads_or_refuses("cut", cut), 0);
    }
    bytes[n] = 0; /* file_read ends its text with a NUL */
    put_file("cut", bytes, n + 1);
    ck_assert_int_eq(reads_or_refuses("cut", n + 1), 0);
    free(bytes);
}
END_TEST

START_TEST(flipped_bits) {
    char *bytes;
    size_t n;
    int good = 0;
    put_every();
    ck_ok(file_read("every", &bytes, &n));
    int fd = open("every", O_WRONLY);
    for (size_t bit = 0; bit < 8 * (n - sizeof every_data); bit++) {
        char flipped = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
        good += reads_or_refuses("every", n);
        ck_assert_int_eq(pwrite(fd, &bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    close(fd);
    /* names may change to other names, little else can */
    ck_assert_int_gt(good, 10);
    ck_assert_int_lt(good, 200);
    free(bytes);
}
END_TEST

/* several bytes of the header changed, taken out or doubled, 1,000 times */
START_TEST(mutated) {
    static const char likely[] = "0123456789-.,:{}[]\"eFIBU ";
    char *bytes, *copy;
    size_t n;
    put_every();
    ck_ok(file_read("every", &bytes, &n));
    copy = malloc(n + 64);
    ck_assert_ptr_nonnull(copy);
    for (uint32_t turn = 0; turn < 1000; turn++) {
        rng_stream r = rng_open(1, RNG_TEST, turn, 0);
        size_t size = n;
        memcpy(copy, bytes, n);
        for (uint32_t k = 1 + rng_below(&r, 4); k > 0; k--) {
            size_t at = rng_below(&r, (uint32_t)(size - sizeof every_data)),
                   len = 1 + rng_below(&r, 9);
            if (rng_below(&r, 4)) {
                copy[at] = likely[rng_below(&r, sizeof likely - 1)];
            } else if (rng_below(&r, 2) && size - at > len + sizeof every_data) {
                memmove(copy + at, copy + at + len, size - at - len);
                size -= len;
            } else if (size - at > len && size + len < n + 64) {
                memmove(copy + at + len, copy + at, size - at);
                size += len;
            }
        }
        /* half of the time with the length that fits */
        if (rng_below(&r, 2)) {
            size_t h = size - 8 - sizeof every_data;
            for (int i = 0; i < 8; i++)
                copy[i] = (char)(h >> 8 * i);
        }
        put_file("mutated", copy, size);
        reads_or_refuses("mutated", size);
    }
    free(copy);
    free(bytes);
}
END_TEST

int main(void) {
    Suite *s = suite_create("safetensors");
    TCase *t = tcase_create("safetensors");
    tcase_add_test(t, reads_every_dtype);
    tcase_add_loop_test(t, every_sixteen_bits, 0, 2);
    tcase_add_test(t, refuses_copies);
    tcase_add_loop_test(t, refuses_elements, 0, COUNT(bad_elements));
    tcase_add_test(t, writes);
    tcase_add_test(t, refuses_to_write);
    tcase_add_loop_test(t, refuses_headers, 0, COUNT(bad_headers));
    tcase_add_test(t, refuses_lengths);
    tcase_add_test(t, truncated);
    tcase_add_test(t, flipped_bits);
    tcase_add_test(t, mutated);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
