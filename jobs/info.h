/* info.h: explanations of what a path holds, appended as text. Not collective. */
#ifndef ESPALIER_JOBS_INFO_H
#define ESPALIER_JOBS_INFO_H

#include "base/strbuf.h"

/* A folder with config.json: shape, labels, parameters, zeros. */
err info_model(const char *dir, strbuf *out);
/* A .safetensors file: every array. */
err info_arrays(const char *path, strbuf *out);
/* A study's YAML: what each stage will do. */
err info_study(const char *path, strbuf *out);
/* A study's folder: what is finished. */
err info_results(const char *dir, strbuf *out);
/* An index of neighbours: its numbers and what it was made from. */
err info_neighbours(const char *path, strbuf *out);

#endif
