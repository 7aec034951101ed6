/* encoder_params.h: the one table of an encoder's arrays (BERT, arXiv 1810.04805).
 *
 * Columns: field, per layer (1) or once (0), present if, rows, cols, weight decay (1 for matrices,
 * 0 for biases and LayerNorm, which have one dimension in a file), prunable, name in BERT's
 * safetensors files (%d = layer; other families: encoder_family.c). Rows that are "per layer" stand
 * together: in the flat block all arrays of layer 0 come before all of layer 1, in table order, so
 * that query, key and value of a layer are one (3H, H) matrix and one (3H) bias. The
 * masked-language head's decoder is tied to word_emb and has no array of its own. */
#ifndef ESPALIER_MODEL_ENCODER_PARAMS_H
#define ESPALIER_MODEL_ENCODER_PARAMS_H

/* clang-format off */
#define ENCODER_PARAMS(X)                                                                                                               \
    X(word_emb,   0, 1,                c->V,                     c->H, 1, 0, "bert.embeddings.word_embeddings.weight")                  \
    X(pos_emb,    0, 1,                c->first_position + c->P, c->H, 1, 0, "bert.embeddings.position_embeddings.weight")              \
    X(type_emb,   0, c->Y > 0,         c->Y,                     c->H, 1, 0, "bert.embeddings.token_type_embeddings.weight")            \
    X(emb_norm_w, 0, 1,                1,                        c->H, 0, 0, "bert.embeddings.LayerNorm.weight")                        \
    X(emb_norm_b, 0, 1,                1,                        c->H, 0, 0, "bert.embeddings.LayerNorm.bias")                          \
    X(query_w,    1, 1,                c->H,                     c->H, 1, 1, "bert.encoder.layer.%d.attention.self.query.weight")       \
    X(key_w,      1, 1,                c->H,                     c->H, 1, 1, "bert.encoder.layer.%d.attention.self.key.weight")         \
    X(value_w,    1, 1,                c->H,                     c->H, 1, 1, "bert.encoder.layer.%d.attention.self.value.weight")       \
    X(query_b,    1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.self.query.bias")         \
    X(key_b,      1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.self.key.bias")           \
    X(value_b,    1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.self.value.bias")         \
    X(att_w,      1, 1,                c->H,                     c->H, 1, 1, "bert.encoder.layer.%d.attention.output.dense.weight")     \
    X(att_b,      1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.output.dense.bias")       \
    X(att_norm_w, 1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.output.LayerNorm.weight") \
    X(att_norm_b, 1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.attention.output.LayerNorm.bias")   \
    X(inter_w,    1, 1,                c->F,                     c->H, 1, 1, "bert.encoder.layer.%d.intermediate.dense.weight")         \
    X(inter_b,    1, 1,                1,                        c->F, 0, 0, "bert.encoder.layer.%d.intermediate.dense.bias")           \
    X(out_w,      1, 1,                c->H,                     c->F, 1, 1, "bert.encoder.layer.%d.output.dense.weight")               \
    X(out_b,      1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.output.dense.bias")                 \
    X(out_norm_w, 1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.output.LayerNorm.weight")           \
    X(out_norm_b, 1, 1,                1,                        c->H, 0, 0, "bert.encoder.layer.%d.output.LayerNorm.bias")             \
    X(pool_w,     0, encoder_pools(c), c->H,                     c->H, 1, 0, "bert.pooler.dense.weight")                                \
    X(pool_b,     0, encoder_pools(c), 1,                        c->H, 0, 0, "bert.pooler.dense.bias")                                  \
    X(class_w,    0, c->K > 0,         c->K,                     c->H, 1, 0, "classifier.weight")                                       \
    X(class_b,    0, c->K > 0,         1,                        c->K, 0, 0, "classifier.bias")                                         \
    X(mlm_w,      0, c->mlm,           c->H,                     c->H, 1, 0, "cls.predictions.transform.dense.weight")                  \
    X(mlm_b,      0, c->mlm,           1,                        c->H, 0, 0, "cls.predictions.transform.dense.bias")                    \
    X(mlm_norm_w, 0, c->mlm,           1,                        c->H, 0, 0, "cls.predictions.transform.LayerNorm.weight")              \
    X(mlm_norm_b, 0, c->mlm,           1,                        c->H, 0, 0, "cls.predictions.transform.LayerNorm.bias")                \
    X(mlm_bias,   0, c->mlm,           1,                        c->V, 0, 0, "cls.predictions.bias")
/* clang-format on */

#endif
