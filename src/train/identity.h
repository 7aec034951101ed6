/* identity.h: what a training run's bytes are determined by, as text to be hashed: a checkpoint
 * fits a run only if all of it is the same. Not collective. */
#ifndef ESPALIER_TRAIN_IDENTITY_H
#define ESPALIER_TRAIN_IDENTITY_H

#include "base/strbuf.h"
#include "model/encoder.h"
#include "text/dataset.h"

/* Shape, how it is computed, and the parameters that the run starts from. */
err identity_encoder(const encoder *m, strbuf *out);
/* Tokens and labels. */
err identity_examples(const examples *x, strbuf *out);

#endif
