/* tokenizer.h: from text to the ids of an encoder, by the vocabulary that comes with it.
 *
 *   vocab.txt                WordPiece (wordpiece.h): BERT, DistilBERT; [CLS] text [SEP]
 *   vocab.json, merges.txt   byte-level BPE (bpe.h): RoBERTa; <s> text </s>
 *
 * const after open: shared by models. Text never gives special ids. Not collective. */
#ifndef ESPALIER_TEXT_TOKENIZER_H
#define ESPALIER_TEXT_TOKENIZER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tokenizer {
    int V;
    int32_t pad, unk, cls, sep, mask; /* cls, sep: what begins and ends a sequence; mask -1: none */
    struct wordpiece *wordpiece;      /* one of the two is not NULL */
    struct bpe *bpe;
    char path[4096];
} tokenizer;

/* path: a WordPiece vocabulary, or a vocab.json (any name that ends in .json) with merges.txt
 * beside it. ERR_DATA "file:line: …": see wordpiece_open and bpe_open; a tokenizer_config.json
 * beside it that asks for what is not done here (cased WordPiece, a space before the text). Caller
 * closes. */
err tokenizer_open(const char *path, tokenizer **out);
void tokenizer_close(tokenizer **t);

/* The path to give to tokenizer_open for a model's folder. ERR_IO: neither vocabulary is there.
 */
err tokenizer_find(const char *dir, char path[4096]);
/* SHA-256 of the vocabulary at path, its merges included. */
err tokenizer_hash(const char *path, char hex[65]);

/* Ids of text (n bytes of UTF-8) alone: at most cap are stored, *count is how many there are in
 * all. Invalid bytes count as U+FFFD. ERR_FAILED: memory. */
err tokenizer_encode(const tokenizer *t, const char *text, size_t n, int32_t *ids, int cap,
                     int *count);
/* cls text sep, cut to max_length ids: their number, and in *cut whether it was cut. */
err tokenizer_sequence(const tokenizer *t, const char *text, size_t n, int32_t *ids, int max_length,
                       int *length, int *cut);
const char *tokenizer_piece(const tokenizer *t, int32_t id); /* "" outside V */

#endif
