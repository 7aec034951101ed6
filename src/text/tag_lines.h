/* tag_lines.h: lines of words tagged, as text: what `espalier tag` prints. Not collective. */
#ifndef ESPALIER_TEXT_TAG_LINES_H
#define ESPALIER_TEXT_TAG_LINES_H

#include "base/strbuf.h"
#include "text/tagger.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tag_lines tag_lines;

err tag_lines_create(const tagger *t, tag_lines **out); /* caller destroys; t is not owned */
void tag_lines_destroy(tag_lines **l);

/* Tag every line of text (n bytes, text[n] is NUL; it is changed) and append `word<TAB>tag<TAB>
 * universal tag` for each word, and an empty line behind each text. A line is one text, its words
 * are set apart by white space (Python's str.split). A source that has no tags of its own (WordNet,
 * a lexicon) gives "-" and the universal tags that the form can have, "NOUN|VERB". ERR_DATA
 * "file:line: …": a NUL, invalid UTF-8; line: number of the first line. */
err tag_lines_run(tag_lines *l, const char *file, int64_t line, char *text, size_t n, strbuf *out);

#endif
