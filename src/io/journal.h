/* journal.h: the crash journal. One append-only file a stage and rank; a line a finished unit, with
 * a checksum; on disk (fdatasync) before append returns. A torn last line is dropped when read; any
 * other damage is an error. Not collective. */
#ifndef ESPALIER_IO_JOURNAL_H
#define ESPALIER_IO_JOURNAL_H

#include "base/err.h"

#include <stdint.h>

typedef struct journal journal;

/* Opens dir/STAGE.RANK.log for appending; a torn last line is cut off first. */
err journal_open(const char *dir, const char *stage, int rank, journal **out);
/* key: which unit list; unit: which unit of it; record: one line of JSON. */
err journal_append(journal *j, const char *key, int64_t unit, const char *record);
void journal_close(journal **j);

/* All lines of a stage, of every rank that ever ran: each() in file order; text valid in the call.
 */
typedef err (*journal_each)(void *state, const char *key, int64_t unit, const char *record);
err journal_read(const char *dir, const char *stage, journal_each each, void *state);

/* Of all journals below dir keep only the lines that keep() says 1 to; each file is replaced whole,
 * and goes if nothing is left of it. For the holder of the study's lock, with no journal open. */
typedef int (*journal_choice)(void *state, const char *stage, const char *key);
err journal_keep(const char *dir, journal_choice keep, void *state);

#endif
