/* workspace.h: activations of one batch. Private to model.
 *
 * One flat block, cut anew for every batch and grown when a batch needs more; nothing is allocated
 * inside a layer. What is cut depends on what is asked for:
 *   WS_INFER  one layer's activations, two hidden states in turn
 *   WS_KEEP   the same, every hidden state
 *   WS_TRAIN  every layer's activations and the buffers of the backward pass
 * Where only the first token of each sequence is read afterwards (classification), the last layer
 * computes keys and values for all tokens and everything else for the first tokens alone: its
 * buffers, from the context on, have B rows instead of T, and so has the last hidden state. */
#ifndef ESPALIER_MODEL_WORKSPACE_H
#define ESPALIER_MODEL_WORKSPACE_H

#include "model/first_layer.h"
#include "tensor/gemm.h"

typedef enum ws_mode { WS_INFER, WS_KEEP, WS_TRAIN } ws_mode;

enum { MLM_CHUNK = 256 }; /* masked positions whose logits (MLM_CHUNK, V) exist at a time */

typedef struct layer_acts {
    float *qkv;                 // (T, 3H); last layer of WS_FIRST: kv (T, 2H), then q (B, H)
    float *probs;               // per sequence and head (R, S); inference: one for all
    float *context;             // (T, H)
    float *att;                 // (T, H) sum before the first LayerNorm
    float *att_mean, *att_rstd; // (T) NULL in inference
    float *mid;                 // (T, H) output of the first LayerNorm
    float *u;                   // (T, F) before gelu; NULL in inference
    float *out;                 // (T, H) sum before the second LayerNorm
    float *out_mean, *out_rstd; // (T) NULL in inference
} layer_acts;

struct encoder_ws {
    encoder_config c;
    ws_mode mode;
    int first;         /* 1: of the last layer only the first tokens are wanted */
    first_layer *kept; /* what encoder_ws_remember was told; not owned */
    int served;        /* 1: the batch's first layer is taken from it */
    float *memory;     /* owned */
    size_t floats;
    float *thin; // (cap_thin) scratch of products without zeros (thin.h), owned
    size_t cap_thin;
    layer_acts *layer;          // (L)
    float **hidden;             // (L + 1) of (T, H); the last one (B, H) if first
    float *start;               // (B, H) the last layer's input at the first tokens, if first
    int32_t *ones;              // (B + 1) offsets of sequences of one token
    float *gelu;                // (T, F) of the layer at hand
    float *emb;                 // (T, H) embeddings before their LayerNorm
    float *emb_mean, *emb_rstd; // (T)
    float *mask;                // (S, max(H, S)) one sequence's dropout mask
    float *dropped;             // (S, S) dropped probabilities
    float *first_rows;          // (B, H) hidden states of [CLS]
    float *pooled;              // (B, H)
    float *seen;                // (B, H) pooled as the classifier saw it, dropout applied
    float *logits;              // (B, K)
    /* backward */
    float *dhidden; // (T, H)
    float *dbranch; // (T, H)
    float *dqkv;    // (T, 3H), laid out like qkv
    float *dstart;  // (B, H) of the last hidden state and of start, if first
    float *dinner;  // (T, max(F, H)) of gelu, then of the context
    float *dprobs;  // (S, S)
    float *dfirst;  // (B, H)
    /* masked-language head, M positions */
    float *picked;                // (M, H) hidden states at the positions
    float *head_u;                // (M, H) before gelu
    float *head_gelu;             // (M, H)
    float *head_mean, *head_rstd; // (M)
    float *head;                  // (M, H) output of the head's LayerNorm
    float *dhead;                 // (M, H)
    float *scores;                // (MLM_CHUNK, V)
};

/* Cut the block for batch b and M masked positions. ERR_FAILED: memory. */
err workspace_shape(encoder_ws *ws, const batch *b, int M, ws_mode mode, int first);

#endif
