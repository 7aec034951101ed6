/* texts.h: texts on their way into an encoder: tokenised, cut into ragged batches of a fixed limit.
 *
 * Which texts share a batch depends on the list alone, so results do not depend on ranks. */
#ifndef ESPALIER_ATTACK_TEXTS_H
#define ESPALIER_ATTACK_TEXTS_H

#include "model/encoder.h"
#include "text/tokenizer.h"

typedef struct texts texts;

err texts_create(const tokenizer *w, int max_length, texts **out); /* caller destroys */
void texts_destroy(texts **t);
void texts_clear(texts *t);
err texts_add(texts *t, const char *text);
int texts_count(const texts *t);

/* Probabilities of all texts: p (count, K), float64. */
err texts_classify(texts *t, encoder_ws *ws, const encoder *m, double *p);
/* Mean of the last hidden states over each text's tokens, [CLS] and [SEP] left out: v (count, H).
 */
err texts_embed(texts *t, encoder_ws *ws, const encoder *m, double *v);

#endif
