/* trace.h: the queries of one example, without loss, as a piece of its line in the journal.
 *
 * A query takes 18 bytes, 26 where a similarity was tested, and two to four more where another word
 * comes; a third more as text (base64). Numbers keep every bit, so an example that is read back is
 * the one that was attacked. Not collective. */
#ifndef ESPALIER_ATTACK_TRACE_H
#define ESPALIER_ATTACK_TRACE_H

#include "attack/result.h"

/* Append the text of q (n); nothing for n = 0. */
err trace_write(const attack_query *q, int n, strbuf *out);
/* Add the queries of text to r. ERR_DATA: it is not what trace_write writes. */
err trace_read(const char *text, attack_result *r);

#endif
