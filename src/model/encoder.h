/* encoder.h: a BERT, DistilBERT or RoBERTa encoder (encoder_family.h) with classification and
 * masked-language heads.
 *
 * const model, mutable workspace: any number of models and workspaces live in one process.
 * One flat float32 block of parameters; gradients, optimiser moments and averages are further
 * blocks of the same layout. Post-LayerNorm blocks, erf gelu, dropout from counter-based random
 * numbers. Nothing here is collective. */
#ifndef ESPALIER_MODEL_ENCODER_H
#define ESPALIER_MODEL_ENCODER_H

#include "base/err.h"
#include "model/encoder_family.h"
#include "model/encoder_params.h"
#include "tensor/dims.h"
#include "tensor/gemm.h"

#include <stddef.h>
#include <stdint.h>

enum { ENCODER_MAX_CLASSES = 64, ENCODER_LABEL_BYTES = 64, ENCODER_NAME_BYTES = 96 };

typedef struct encoder_config {
    encoder_kind family;
    int V, H, L, A, F, Y; /* Y 0: the family has no token types */
    int P;                /* positions a sequence may have */
    int first_position; /* row of pos_emb of a sequence's first token, rows before it are unused */
    int K;              /* classes; 0: no classifier */
    int mlm;            /* 1: masked-language head present */
    float norm_eps;
    precision p; /* of the operands of products with weights; how a model is computed, so in no
                    file. BFLOAT16 only where gemm_has_bfloat16; attention, sums, gradients and
                    weights stay float32 */
    char label[ENCODER_MAX_CLASSES][ENCODER_LABEL_BYTES]; /* id2label */
} encoder_config;

/* Views into a flat block. Per-layer fields point at layer 0; add l * layer_stride. */
typedef struct encoder_params {
    size_t layer_stride; /* floats from an array of layer l to that of layer l + 1 */
#define X(field, ...) float *field;
    ENCODER_PARAMS(X)
#undef X
} encoder_params;

typedef struct encoder_thinned encoder_thinned;

typedef struct encoder {
    encoder_config c;
    encoder_params p;
    float *block; /* (n), owned */
    size_t n;
    encoder_thinned *thin; /* encoder_thin's, owned; NULL: all products are dense */
} encoder;

/* One array of the block, for loops over arrays: optimiser, report, file. */
typedef struct encoder_array {
    char name[ENCODER_NAME_BYTES];
    size_t offset; /* floats from the block's start */
    int rows, cols;
    int layer; /* -1: not per layer */
    int decay, prunable;
} encoder_array;

static inline const encoder_family *encoder_family_in(const encoder_config *c) {
    return encoder_family_of((int)c->family);
}
/* 1: pool_w and pool_b are there, as the encoder's pooler or as part of a classifier. */
static inline int encoder_pools(const encoder_config *c) {
    return c->K > 0 || encoder_family_in(c)->has_pooler;
}

size_t encoder_count(const encoder_config *c); /* floats in a block */
void encoder_view(encoder_params *p, const encoder_config *c, float *block);
/* Every array of c in block order into out (cap entries); returns how many there are. */
int encoder_arrays(const encoder_config *c, encoder_array *out, int cap);

err encoder_create(const encoder_config *c, encoder **out); /* zeros; caller destroys */
void encoder_destroy(encoder **m);                          /* NULL is allowed */
err encoder_copy(const encoder *m, encoder **out);          /* not thin */

/* normal(0, 0.02) weights, zero biases, LayerNorm 1 / 0, all a function of seed. */
void encoder_init(encoder *m, uint64_t seed);
void encoder_init_array(encoder *m, const encoder_array *a, uint64_t seed); /* one array of it */

/* What is wanted of a checkpoint's heads. */
typedef struct encoder_want {
    int classes; /* -1: as in the checkpoint; 0: none; K: a classifier of K classes, taken from the
                    checkpoint if it has one of K classes, otherwise initialised from seed */
    int mlm;     /* -1: as in the checkpoint; 0: drop; 1: must be there */
    uint64_t seed; /* for a new classifier */
} encoder_want;

/* Load DIR/config.json and DIR's weights: model.safetensors or the files that
 * model.safetensors.index.json names; float32, float64, float16 or bfloat16; names with or without
 * the family's prefix. A pooler that is absent (checkpoints that were only pre-trained on masked
 * words) is initialised from seed. Memory: the model and one array. Refused with ERR_DATA, naming
 * file and field or array: other model types and activations, fields that are missing or
 * contradict, arrays that are missing, unknown, of wrong shape or dtype, not finite, a decoder that
 * is not tied, weights in another format. Arrays of heads that are not wanted and of the
 * next-sentence head are passed over. Not collective. Caller destroys. */
err encoder_load(const char *dir, encoder_want want, encoder **out);

/* Write config.json, model.safetensors and a copy of vocab_file (as vocab.txt; one that ends in
 * .json as vocab.json, with the merges.txt beside it) into dir (made if missing), each whole or not
 * at all. vocab_file NULL: no vocabulary. Same model, same bytes. */
err encoder_save(const encoder *m, const char *dir, const char *vocab_file);
/* The same with pruned matrices as a bit mask and the kept values (sparse_file.h), which
 * encoder_load reads back to the same bits; other programs do not. */
err encoder_save_sparse(const encoder *m, const char *dir, const char *vocab_file);

/* --- computing ------------------------------------------------------------------------------- */

/* Dropout is a function of (seed, epoch, example, position, site): see model/dropout.h. */
typedef struct dropout {
    uint64_t seed;
    uint32_t epoch;
    float hidden, attention; /* probabilities of dropping, [0, 1) */
} dropout;

typedef struct encoder_ws encoder_ws; /* activations; grows to the largest batch seen */
err encoder_ws_create(const encoder_config *c, encoder_ws **out);
void encoder_ws_destroy(encoder_ws **ws);
/* What a workspace holds for a batch of B sequences of these lengths (tokens) and M masked
 * positions, for training or for inference, without allocating it. */
err encoder_ws_bytes(const encoder_config *c, const int32_t *lengths, int B, int M, int train,
                     size_t *bytes);

/* Hidden states of all layers: inference when drop is NULL, else training (activations are kept for
 * the backward pass). ERR_DATA: a sequence longer than P, an id outside V; ERR_FAILED: memory.
 * Afterwards encoder_hidden(ws, l) is (T, H): l = 0 embeddings, l = L last layer. For inference
 * only l = L is valid unless keep is set. The same batch gives the same bits every time, and with
 * the native GEMM a sequence gives the same bits in every batch. The libraries' GEMMs do not keep
 * the second (observed: 2e-7 in a logit), so what is batched together must not depend on ranks. */
err encoder_forward(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                    int keep);
const float *encoder_hidden(const encoder_ws *ws, int l); // (T, H)

/* Forward and heads: pooled (B, H) and logits (B, K) live in ws until the next call. Only what the
 * logits depend on is computed: of the last layer that is keys and values of all tokens, and the
 * rest for the first tokens (encoder_hidden(ws, L) is then (B, H)). */
err encoder_classify(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                     const float **logits);
const float *encoder_pooled(const encoder_ws *ws); // (B, H)

/* Softmax of logits in float64: p (B, K). Non-finite logits give NaN, never a crash. */
void encoder_softmax(double *p, const float *logits, int B, int K);

/* Forward, mean cross-entropy over the batch times weight, backward: adds weight * dloss/dparameter
 * to grads (a block of m's layout). loss: the batch's SUM of cross-entropies (float64, unweighted).
 * drop NULL: no dropout, still trains. grads NULL: loss only. */
err encoder_classify_step(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                          float weight, float *grads, double *loss);

/* (T, H) gradient of the same (weight * loss) with respect to the sum of word, position and type
 * embeddings, and so to b->delta; after a step with grads, until the next call with ws. */
const float *encoder_dembedding(const encoder_ws *ws);

/* The same for the masked-language head: positions (M) index the T packed tokens, targets (M) are
 * the true ids. Gradient of weight * mean over M. loss: SUM over M. */
err encoder_mlm_step(encoder_ws *ws, const encoder *m, const batch *b, const int32_t *positions,
                     const int32_t *targets, int M, const dropout *drop, float weight, float *grads,
                     double *loss);

/* What the masked-language head finds most probable at positions (M) of the T packed tokens,
 * masked or not: id and logp (M, k), natural logarithms, most probable first, of equal ones the
 * lower id; id -1 where the vocabulary has fewer. ERR_FAILED: no such head, or it is not finite. */
err encoder_mlm_best(encoder_ws *ws, const encoder *m, const batch *b, const int32_t *positions,
                     int M, int k, int32_t *id, double *logp);

/* From now on inference with m in float32 leaves out the zeros of matrices (a layer's queries, keys
 * and values count as one) where that is faster (sparse_is_faster in tensor/sparse.h); training and
 * bfloat16 do not. Logits differ by rounding; a sequence has the same bits in every batch, as ever.
 * m's weights may not change afterwards, or this is called again. 6 bytes for each such weight that
 * is kept; nothing happens where no matrix is thin, or c.p is not FLOAT32. ERR_FAILED: memory. */
err encoder_thin(encoder *m);

/* --- layer by layer, for pruning ------------------------------------------------------------- */

typedef enum block_stage {
    STAGE_QKV,   /* input of query, key, value: the block's input (T, H) */
    STAGE_ATT,   /* input of the attention output linear: the context (T, H) */
    STAGE_INTER, /* input of the intermediate linear (T, H) */
    STAGE_OUT,   /* input of the output linear: gelu (T, F) */
    STAGE_DONE,  /* the block's output (T, H) */
    STAGE_COUNT
} block_stage;

/* Embedding output of b in inference: h (T, H). */
err encoder_embed(encoder_ws *ws, const encoder *m, const batch *b, float *h);

/* From the block's input h (T, H) to the input of stage s: x (T, H) or (T, F) for STAGE_OUT. */
err encoder_block(encoder_ws *ws, const encoder *m, int layer, const batch *b, const float *h,
                  block_stage s, float *x);
/* The same from the input x of stage `from`, STAGE_OUT at most, to that of a later one, out; the
 * same bits as from the block's input. h (T, H) is what the residual adds: at STAGE_ATT the block's
 * input, at STAGE_OUT the input of STAGE_INTER; NULL elsewhere. out may be x or h, unless to is
 * from. */
err encoder_block_from(encoder_ws *ws, const encoder *m, int layer, const batch *b,
                       block_stage from, const float *x, const float *h, block_stage to,
                       float *out);

typedef enum linear_kind {
    LINEAR_QUERY,
    LINEAR_KEY,
    LINEAR_VALUE,
    LINEAR_ATT,
    LINEAR_INTER,
    LINEAR_OUT,
    LINEAR_COUNT
} linear_kind;

/* Views of one of a block's six linears and of its bias: w (out, in), b (out). */
typedef struct linear_view {
    float *w, *b;
    int out, in;
    block_stage stage;
    const char *name; /* "query", "key", … */
} linear_view;
linear_view encoder_linear(const encoder *m, int layer, linear_kind kind);

#endif
