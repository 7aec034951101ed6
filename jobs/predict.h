/* predict.h: a text file as it is: one example a line, empty lines too. */
#ifndef ESPALIER_JOBS_PREDICT_H
#define ESPALIER_JOBS_PREDICT_H

#include "text/dataset.h"

/* Unlike dataset_read_text, which drops empty lines: an answer is owed for every line. Caller frees
 * with dataset_free. Not collective. */
err predict_lines(const char *path, dataset *out);

#endif
