/* bpe_words.h: the words of a text as GPT-2 cuts them before byte pairs are merged.
 *
 * The expression of openai/gpt-2 encoder.py, over Unicode 14's categories (unicode.h):
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * Every byte of the text is in one word. Walks the text once, in constant memory. Not collective.
 */
#ifndef ESPALIER_TEXT_BPE_WORDS_H
#define ESPALIER_TEXT_BPE_WORDS_H

#include <stddef.h>

typedef struct bpe_words {
    const char *text;
    size_t n, at; /* bytes; where the walk stands */
    const char *word;
    size_t len;  /* bytes of the word, which lies in the text */
    int invalid; /* 1: some of them are not UTF-8; each such byte stands for U+FFFD */
} bpe_words;

/* Start on text (n bytes, kept by the caller). */
void bpe_words_open(bpe_words *w, const char *text, size_t n);
/* 1 and the next word; 0 at the end. */
int bpe_words_next(bpe_words *w);

#endif
