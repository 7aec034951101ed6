/* safetensors.h: named arrays in one file (8-byte header length, JSON header, data).
 *
 * The file is mapped read-only; arrays are views into it. Refused with ERR_DATA: truncated, header
 * over 16 MiB, not JSON, unknown dtype, offsets that overlap, leave holes, run past the end or
 * contradict shape and dtype, shapes whose product overflows. Not collective. */
#ifndef ESPALIER_IO_SAFETENSORS_H
#define ESPALIER_IO_SAFETENSORS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum st_dtype { ST_F64, ST_F32, ST_F16, ST_BF16, ST_I64, ST_I32, ST_U8, ST_BOOL } st_dtype;

typedef struct st_array {
    const char *name;
    st_dtype dtype;
    int rank; /* dimensions, 0 .. 8 */
    int64_t shape[8];
    int64_t count;    /* product of shape */
    const void *data; /* may be unaligned: memcpy or st_copy_* */
} st_array;

typedef struct safetensors safetensors;

err safetensors_open(const char *path, safetensors **out); /* caller closes */
void safetensors_close(safetensors **s);
int safetensors_count(const safetensors *s);
const st_array *safetensors_at(const safetensors *s, int i);              /* in file order */
const st_array *safetensors_find(const safetensors *s, const char *name); /* NULL: not there */

/* Copy an array as float32 / float64 / int32 from any dtype that converts exactly enough (F64, F32,
 * F16, BF16 to floats; I64, I32, U8 to int32). ERR_DATA: wrong count, wrong kind, non-finite. */
err st_copy_f32(const safetensors *s, const st_array *a, float *out, int64_t count);
err st_copy_f64(const safetensors *s, const st_array *a, double *out, int64_t count);
err st_copy_i32(const safetensors *s, const st_array *a, int32_t *out, int64_t count);

/* The bytes of a file that were read need not stay in memory: they are read again when needed. */
void safetensors_forget(const safetensors *s, const void *data, size_t bytes);

/* Write arrays in the given order with header metadata {"format": "pt"}; atomic; deterministic.
 * ERR_FAILED: a name with quotes, backslashes or control characters; ERR_IO: as atomic_commit. */
err safetensors_write(const char *path, const st_array *arrays, int n);

#endif
