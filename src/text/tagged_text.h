/* tagged_text.h: text whose words are tagged: `word<TAB>universal tag<TAB>Penn tag` a line, blank
 * lines between sentences. Not collective. */
#ifndef ESPALIER_TEXT_TAGGED_TEXT_H
#define ESPALIER_TEXT_TAGGED_TEXT_H

#include "io/lines.h"

typedef struct tagged_text {
    lines in; /* owns the texts */
    int words, sentences;
    const char **word, **universal, **penn; /* (words) */
    int *first;                             /* (sentences + 1) first word of each */
} tagged_text;

/* ERR_DATA "file:line: …": other than three columns, an empty column, white space in a word, a tag
 * that is not universal (Petrov's or Universal Dependencies'), no sentence. Caller frees. */
err tagged_text_read(const char *path, tagged_text *out);
void tagged_text_free(tagged_text *t);

#endif
