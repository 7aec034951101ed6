/* encoder_family.h: what tells apart the encoders that share one architecture. The parameter table
 * and the arithmetic are BERT's; a family says how its files name the same things and which few
 * steps differ:
 *
 *   BERT        arXiv 1810.04805
 *   DistilBERT  arXiv 1910.01108: no token types, no dropout behind attention, LayerNorm eps fixed
 *               at 1e-12, no pooler: the classifier is dense, ReLU, dropout, linear
 *   RoBERTa     arXiv 1907.11692: the first position is the row behind that of the padding id; no
 *               pooler: the classifier is dropout, dense, tanh, dropout, linear
 *
 * The classifier's dense layer takes the pooler's place in the table (pool_w, pool_b). Families are
 * constants; nothing here is collective. */
#ifndef ESPALIER_MODEL_ENCODER_FAMILY_H
#define ESPALIER_MODEL_ENCODER_FAMILY_H

#include <stddef.h>

typedef enum encoder_kind {
    ENCODER_BERT,
    ENCODER_DISTILBERT,
    ENCODER_ROBERTA,
    ENCODER_KINDS
} encoder_kind;

enum { FAMILY_RENAMES = 16, FAMILY_PASSED = 3, FAMILY_CLASSIFIER = 2 };

typedef struct encoder_family {
    const char *type; /* model_type in config.json */
    const char *name; /* for people */
    /* config.json */
    const char *hidden, *layers, *heads, *feed_forward, *activation, *dropout, *attention_dropout;
    const char *class_classifier, *class_masked, *class_plain; /* "architectures" */
    int types;               /* 1: token types, with their number in type_vocab_size */
    int positions_after_pad; /* 1: positions are counted from pad_token_id + 1 */
    float norm_eps;          /* 0: in config.json as layer_norm_eps */
    /* arithmetic */
    int has_pooler;      /* 1: the dense layer before the classifier is the encoder's own */
    int relu;            /* 1: ReLU behind that layer, 0: tanh */
    int drops_first;     /* 1: dropout before it, too */
    int drops_attention; /* 1: dropout behind the attention's output */
    /* safetensors: the first pair whose left side a name of the table begins with is replaced */
    const char *prefix; /* of the encoder's own arrays; files may leave it out */
    const char *rename[FAMILY_RENAMES][2];
    const char *classifier[FAMILY_CLASSIFIER]; /* how names of the classifier's arrays begin */
    const char *masked;                        /* … of the masked-language head's */
    const char *decoder_w, *decoder_b; /* copies of word_emb and mlm_bias that a file may carry */
    const char *passed[FAMILY_PASSED]; /* … of arrays that carry nothing an encoder needs */
} encoder_family;

/* kind: 0 .. ENCODER_KINDS - 1 */
const encoder_family *encoder_family_of(int kind);

/* The kind of a model_type, -1 where it is none of ours. */
int encoder_family_find(const char *type);

/* The name in f's files of an array of the table, without its layer filled in; out (bytes). */
void encoder_family_array(const encoder_family *f, const char *name, char *out, size_t bytes);

/* What stands behind the dense layer before the classifier: tanh or ReLU, in float64. */
double encoder_family_pool(const encoder_family *f, double x);

#endif
