/* drift.h: what pruning changed inside every pruned model: [CLS] vectors and attention, on the
 * attacked texts as they are and as the attack on the dense model left them. */
#ifndef ESPALIER_JOBS_DRIFT_H
#define ESPALIER_JOBS_DRIFT_H

#include "context.h"
#include "rows.h"

/* c->drift: one record a pruned model, journalled. After the attack. Collective. */
err drift_models(context *c);
/* Those records as rows of /drift and /maps. Not collective. */
err drift_rows(store_content *s, const context *c);
/* The sparsities and sizes of calibration that were tried, as rows of /curves. Not collective. */
err drift_curves(store_content *s, const context *c);

#endif
