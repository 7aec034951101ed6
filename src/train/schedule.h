/* schedule.h: the learning rate of a step, as Hugging Face's get_{linear,cosine,constant}_schedule_
 * with_warmup define it. Not collective. */
#ifndef ESPALIER_TRAIN_SCHEDULE_H
#define ESPALIER_TRAIN_SCHEDULE_H

#include "base/err.h"

#include <stdint.h>

typedef enum schedule_kind { SCHEDULE_LINEAR, SCHEDULE_COSINE, SCHEDULE_CONSTANT } schedule_kind;

/* "linear", "cosine" or "constant"; ERR_USAGE: none of them. */
err schedule_parse(const char *word, schedule_kind *out);

/* Rises from 0 to peak over the first floor(warmup * steps) steps, then falls to 0 at `steps` on a
 * line or half a cosine, or stays. step counts from 0; warmup: fraction. */
double schedule_rate(schedule_kind k, int64_t step, int64_t steps, double warmup, double peak);

#endif
