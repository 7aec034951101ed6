/* base64.h: bytes as text of RFC 4648 (A-Z a-z 0-9 + /, padded with =), for what must stand in a
 * line of a journal. Not collective. */
#ifndef ESPALIER_IO_BASE64_H
#define ESPALIER_IO_BASE64_H

#include "base/strbuf.h"

/* Append the text of bytes (n). */
err base64_encode(const void *bytes, size_t n, strbuf *out);
/* Append the bytes of text. ERR_DATA: not such a text, or not as base64_encode writes it. */
err base64_decode(const char *text, strbuf *out);

#endif
