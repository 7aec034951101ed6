/* record.h: what the journal says about a variant: one line of JSON, the same whoever trained it
 * and however fast. Private to sweep. Not collective. */
#ifndef ESPALIER_SWEEP_RECORD_H
#define ESPALIER_SWEEP_RECORD_H

#include "base/strbuf.h"
#include "sweep/sweep.h"

err record_write(const variant *v, const sweep_result *r, strbuf *out);
/* ERR_DATA: not a record, or one of a variant of this name with other options. */
err record_read(const char *text, const variant *v, sweep_result *out);

#endif
