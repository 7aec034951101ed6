/* shift.h: the working part of units: missing units are handed out to ranks and groups of ranks.
 * Private to work. */
#ifndef ESPALIER_WORK_SHIFT_H
#define ESPALIER_WORK_SHIFT_H

#include "work/units.h"

/* Run every unit that has no record in records (u->n), *n of them; here: this rank's new records,
 * as UNIT<TAB>RECORD<NL> each. One of fn and crew is NULL. Collective. */
err shift_run(const units *u, char *const *records, group_fn fn, crew_fn crew, void *state,
              strbuf *here, int64_t *n);
err shift_pack(strbuf *b, int64_t unit, const char *record);

#endif
