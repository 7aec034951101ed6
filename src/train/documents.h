/* documents.h: the sequences that pre-training sees of a corpus, one text a document. */
#ifndef ESPALIER_TRAIN_DOCUMENTS_H
#define ESPALIER_TRAIN_DOCUMENTS_H

#include "config/study.h"
#include "text/dataset.h"

/* o->pack 0: each document is one sequence, cut to o->max_length. 1: see documents_pack. Not
 * collective; ERR_DATA as examples_make. Caller frees out with examples_free. */
err documents_examples(const dataset *d, const tokenizer *w, const pretrain_options *o,
                       examples *out);

/* Full sequences (as arXiv 1907.11692 calls them): the documents of x one after the other, a [SEP]
 * after each, are cut into sequences [CLS] … [SEP] of max_length (4 or more) tokens, the last one
 * shorter. A document that does not end within a sequence goes on in the next one; no token is
 * lost. x: [CLS] … [SEP] each. */
err documents_pack(const examples *x, int32_t cls, int32_t sep, int max_length, examples *out);

#endif
