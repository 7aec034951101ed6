/* sentence_encoder.h: texts as vectors: the mean of an encoder's hidden states behind its last
 * layer, or behind an earlier one.
 *
 * Texts go through in ragged batches of a fixed limit. With the native GEMM a text's vector has the
 * same bits in whatever batch it stands; with the libraries' products, which do not promise that,
 * every text is a batch of its own. So a vector never depends on what is embedded beside it.
 * Not collective. */
#ifndef ESPALIER_ATTACK_SENTENCE_ENCODER_H
#define ESPALIER_ATTACK_SENTENCE_ENCODER_H

#include "model/encoder.h"
#include "text/tokenizer.h"

typedef struct sentence_encoder sentence_encoder;

/* An encoder of the study, not owned: the mean leaves [CLS] and [SEP] out. */
err sentence_encoder_borrow(const encoder *m, const tokenizer *w, int max_length,
                            sentence_encoder **out);

/* A folder in Sentence-BERT's layout (modules.json, its Transformer folder, 1_Pooling/config.json,
 * sentence_bert_config.json), or any encoder's checkpoint with its vocabulary. The mean is over all
 * tokens, [CLS] and [SEP] too, as in sentence-transformers. ERR_DATA, naming file and field: a
 * module other than Transformer, Pooling and Normalize, pooling other than the mean; else as
 * encoder_load and tokenizer_open. Caller closes. */
err sentence_encoder_open(const char *dir, sentence_encoder **out);
void sentence_encoder_close(sentence_encoder **s);

/* How it is computed, before the first text.
 * Of its products; as the encoder has it unless told. ERR_USAGE: BFLOAT16, which this CPU or build
 * does not multiply. */
err sentence_encoder_precision(sentence_encoder *s, precision p);
/* The first n layers only, the mean behind them; all unless told. ERR_USAGE: it has fewer. */
err sentence_encoder_layers(sentence_encoder *s, int n);
int sentence_encoder_depth(const sentence_encoder *s, int *all); /* how many of all layers */

/* Tokens that went through the encoder so far. */
int64_t sentence_encoder_tokens(const sentence_encoder *s);
int sentence_encoder_width(const sentence_encoder *s); /* H */
/* v (n, H): of texts (n); a text without any token is 0. */
err sentence_encoder_embed(sentence_encoder *s, const char *const *texts, int n, float *v);

#endif
