/* manifest.h: manifest.json of a study: finished artefacts with path, bytes, SHA-256, made by, made
 * from. Written last, atomically. An artefact that is listed and present is done. Not collective.
 */
#ifndef ESPALIER_IO_MANIFEST_H
#define ESPALIER_IO_MANIFEST_H

#include "base/err.h"

typedef struct manifest manifest;

err manifest_open(const char *dir, manifest **out); /* dir/manifest.json, or an empty one */
void manifest_close(manifest **m);
/* 1 if listed, present and of the recorded size. */
int manifest_has(const manifest *m, const char *path);
/* What is listed of path, valid until the next manifest_add; ERR_DATA if nothing is. */
err manifest_entry(const manifest *m, const char *path, const char **sha256,
                   const char **made_from);
/* Hash dir/path and list it; made_from: comma-separated paths or "". Saves. */
err manifest_add(manifest *m, const char *path, const char *made_by, const char *made_from);
/* Full check of every listed file's SHA-256; ERR_DATA names the first that differs. */
err manifest_verify(const manifest *m);

#endif
