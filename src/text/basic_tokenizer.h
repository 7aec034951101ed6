/* basic_tokenizer.h: the words of a text as BERT's BasicTokenizer cuts them (google-research/bert
 * tokenization.py, do_lower_case): control characters removed, CJK ideographs alone, lower-case,
 * NFD without Mn, every punctuation character a word of its own.
 *
 * Walks the text once, in constant memory. Not collective. */
#ifndef ESPALIER_TEXT_BASIC_TOKENIZER_H
#define ESPALIER_TEXT_BASIC_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

enum {
    BASIC_MAX = 200,             /* code points; a longer word is counted, not kept */
    BASIC_BYTES = 4 * BASIC_MAX, /* of UTF-8 */
};

typedef struct basic_tokenizer {
    const char *text;
    size_t n, at; /* bytes; where the walk stands */
    int marks;    /* kept combining marks since the last starter */
    int points;   /* code points of the word; above BASIC_MAX the rest is only counted */
    size_t len;   /* bytes of the word */
    char word[BASIC_BYTES];
} basic_tokenizer;

/* Start on text (n bytes of UTF-8, kept by the caller; invalid bytes are dropped as U+FFFD is). */
void basic_tokenizer_open(basic_tokenizer *w, const char *text, size_t n);
/* 1 and the next word in w->word, w->len, w->points; 0 at the end. */
int basic_tokenizer_next(basic_tokenizer *w);

#endif
