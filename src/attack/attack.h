/* attack.h: adversarial attacks on classifiers of text: words are ranked and replaced greedily by
 * candidates that keep the recipe's constraints, until the label changes. The recipes, and where
 * each comes from: recipe.h. */
#ifndef ESPALIER_ATTACK_ATTACK_H
#define ESPALIER_ATTACK_ATTACK_H

#include "attack/feed.h"
#include "base/strbuf.h"
#include "config/study.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"
#include "text/tagger.h"
#include "text/tokenizer.h"

typedef struct attack attack; /* words, tags, similarity: what does not depend on the victim */

typedef struct attack_setup {
    const attack_options *o; /* neighbours, vectors, tagger already resolved to real paths */
    const tokenizer *w;
    const encoder *similarity; /* for similarity_source encoder; NULL otherwise; not owned */
    int max_length;            /* of the victim's sequences */
    const char *start;         /* folder of the study's start encoder, for bert-attack; or NULL */
    uint64_t seed;             /* of random edits */
    /* NULL, or an attack with the same sources of similarity: the vectors of texts are kept in
     * common. It must stay open as long. */
    attack *like;
} attack_setup;
err attack_open(const attack_setup *s, attack **out); /* caller closes. Not collective. */
void attack_close(attack **a);

/* Attack one text. Not collective. */
err attack_one(attack *a, encoder_ws *ws, const encoder *victim, const char *text, int label,
               attack_result *out);

/* Attack the examples of a feed, several on their way at a time (engine.h): what becomes of one
 * does not depend on the others. Not collective. */
err attack_feed(attack *a, encoder_ws *ws, const encoder *victim, const feed *f);

/* order (d->n): rows, longest text first: it costs most. */
err attack_order(const dataset *d, int64_t *order);

/* All rows of d as units over the ranks, several on their way at a time (engine.h), journalled
 * under (stage, model): results (n) known on every rank, the same bytes on any number of ranks. An
 * example that raises an error is `errored`, recorded, and stops nothing. ERR_DATA: the victim
 * tells another number of classes apart than d has. Collective. */
err attack_all(const par *p, attack *a, const encoder *victim, const dataset *d,
               const char *journal_dir, const char *stage, const char *model,
               attack_result *results, attack_counts *counts);

/* The recipe with the thresholds in force and its sources, on one line, for provenance. */
err attack_describe(const attack *a, strbuf *out);

#endif
