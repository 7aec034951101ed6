/* weights.h: the arrays of a checkpoint's folder, in one file or in several. Private to model.
 *
 * model.safetensors, or the files that model.safetensors.index.json names. The files are mapped,
 * not read: at any time the memory held is that of the arrays being copied. Not collective. */
#ifndef ESPALIER_MODEL_WEIGHTS_H
#define ESPALIER_MODEL_WEIGHTS_H

#include "io/safetensors.h"

typedef struct weights weights;

/* ERR_DATA: an index that is not one, or that says other than its files; a folder with weights in
 * another format (the message says how to convert). ERR_IO: no weights. Caller closes. */
err weights_open(const char *dir, weights **out);
void weights_close(weights **w);

int weights_count(const weights *w);
const st_array *weights_at(const weights *w, int i);  /* i: 0 .. count - 1 */
const char *weights_path(const weights *w, int i);    /* the file that array i is in */
int weights_find(const weights *w, const char *name); /* -1: not there */
const char *weights_name(const weights *w);           /* of the file or index, for messages */

/* Array i as float32 (st_copy_f32). */
err weights_copy(const weights *w, int i, float *out, int64_t count);

#endif
