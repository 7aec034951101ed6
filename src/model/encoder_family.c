#include "model/encoder_family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Names as in transformers' modeling_bert.py, modeling_distilbert.py and modeling_roberta.py, whose
 * checkpoints these are. */
/* clang-format off */
static const encoder_family FAMILY[ENCODER_KINDS] = {
    [ENCODER_BERT] = {
        .type = "bert", .name = "BERT",
        .hidden = "hidden_size", .layers = "num_hidden_layers", .heads = "num_attention_heads",
        .feed_forward = "intermediate_size", .activation = "hidden_act",
        .dropout = "hidden_dropout_prob", .attention_dropout = "attention_probs_dropout_prob",
        .class_classifier = "BertForSequenceClassification", .class_masked = "BertForMaskedLM",
        .class_plain = "BertModel",
        .types = 1, .has_pooler = 1, .drops_attention = 1,
        .prefix = "bert.",
        .classifier = {"classifier."}, .masked = "cls.predictions.",
        .decoder_w = "cls.predictions.decoder.weight", .decoder_b = "cls.predictions.decoder.bias",
        .passed = {"cls.seq_relationship.", "bert.embeddings.position_ids"},
    },
    [ENCODER_DISTILBERT] = {
        .type = "distilbert", .name = "DistilBERT",
        .hidden = "dim", .layers = "n_layers", .heads = "n_heads", .feed_forward = "hidden_dim",
        .activation = "activation", .dropout = "dropout", .attention_dropout = "attention_dropout",
        .class_classifier = "DistilBertForSequenceClassification",
        .class_masked = "DistilBertForMaskedLM", .class_plain = "DistilBertModel",
        .norm_eps = 1e-12f, .relu = 1,
        .prefix = "distilbert.",
        .rename = {
            {"bert.encoder.layer.%d.attention.self.query.", "distilbert.transformer.layer.%d.attention.q_lin."},
            {"bert.encoder.layer.%d.attention.self.key.", "distilbert.transformer.layer.%d.attention.k_lin."},
            {"bert.encoder.layer.%d.attention.self.value.", "distilbert.transformer.layer.%d.attention.v_lin."},
            {"bert.encoder.layer.%d.attention.output.dense.", "distilbert.transformer.layer.%d.attention.out_lin."},
            {"bert.encoder.layer.%d.attention.output.LayerNorm.", "distilbert.transformer.layer.%d.sa_layer_norm."},
            {"bert.encoder.layer.%d.intermediate.dense.", "distilbert.transformer.layer.%d.ffn.lin1."},
            {"bert.encoder.layer.%d.output.dense.", "distilbert.transformer.layer.%d.ffn.lin2."},
            {"bert.encoder.layer.%d.output.LayerNorm.", "distilbert.transformer.layer.%d.output_layer_norm."},
            {"bert.pooler.dense.", "pre_classifier."},
            {"bert.", "distilbert."},
            {"cls.predictions.transform.dense.", "vocab_transform."},
            {"cls.predictions.transform.LayerNorm.", "vocab_layer_norm."},
            {"cls.predictions.bias", "vocab_projector.bias"},
        },
        .classifier = {"classifier.", "pre_classifier."}, .masked = "vocab_",
        .decoder_w = "vocab_projector.weight",
        .passed = {"distilbert.embeddings.position_ids"},
    },
    [ENCODER_ROBERTA] = {
        .type = "roberta", .name = "RoBERTa",
        .hidden = "hidden_size", .layers = "num_hidden_layers", .heads = "num_attention_heads",
        .feed_forward = "intermediate_size", .activation = "hidden_act",
        .dropout = "hidden_dropout_prob", .attention_dropout = "attention_probs_dropout_prob",
        .class_classifier = "RobertaForSequenceClassification",
        .class_masked = "RobertaForMaskedLM", .class_plain = "RobertaModel",
        .types = 1, .positions_after_pad = 1, .drops_first = 1, .drops_attention = 1,
        .prefix = "roberta.",
        .rename = {
            {"bert.pooler.dense.", "classifier.dense."},
            {"bert.", "roberta."},
            {"classifier.", "classifier.out_proj."},
            {"cls.predictions.transform.dense.", "lm_head.dense."},
            {"cls.predictions.transform.LayerNorm.", "lm_head.layer_norm."},
            {"cls.predictions.bias", "lm_head.bias"},
        },
        .classifier = {"classifier."}, .masked = "lm_head.",
        .decoder_w = "lm_head.decoder.weight", .decoder_b = "lm_head.decoder.bias",
        .passed = {"roberta.pooler.", "roberta.embeddings.position_ids"},
    },
};
/* clang-format on */

const encoder_family *encoder_family_of(int kind) {
    return &FAMILY[kind];
}

int encoder_family_find(const char *type) {
    for (int k = 0; k < ENCODER_KINDS; k++)
        if (strcmp(FAMILY[k].type, type) == 0)
            return k;
    return -1;
}

void encoder_family_array(const encoder_family *f, const char *name, char *out, size_t bytes) {
    for (int i = 0; i < FAMILY_RENAMES && f->rename[i][0]; i++) {
        size_t n = strlen(f->rename[i][0]);
        if (strncmp(name, f->rename[i][0], n) != 0)
            continue;
        snprintf(out, bytes, "%s%s", f->rename[i][1], name + n);
        return;
    }
    snprintf(out, bytes, "%s", name);
}

double encoder_family_pool(const encoder_family *f, double x) {
    return !f->relu ? tanh(x) : x < 0.0 ? 0.0 : x; /* NaN stays */
}
