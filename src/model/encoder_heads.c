#include "model/encoder.h"

#include "model/backward.h"
#include "model/dropout.h"
#include "model/forward.h"
#include "model/workspace.h"
#include "tensor/activation.h"
#include "tensor/embedding.h"
#include "tensor/linear.h"
#include "tensor/loss.h"
#include "tensor/norm.h"

#include <math.h>
#include <string.h>

/* x (B, H) times the dropout mask of one of the classifier's two sites */
static void mask_rows(encoder_ws *ws, float *x, const batch *b, const dropout *drop,
                      dropout_site site) {
    int H = ws->c.H;
    if (!drop || drop->hidden <= 0.0f)
        return;
    for (int s = 0; s < b->B; s++) {
        dropout_mask(ws->mask, drop, site, 0, 0, forward_example(b, s), drop->hidden, 1, H);
        for (int j = 0; j < H; j++)
            x[(size_t)s * (size_t)H + (size_t)j] *= ws->mask[j];
    }
}

/* pooled, logits; what the classifier saw (pooled with dropout) stays in ws->seen */
static void classify(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop) {
    int B = b->B, H = m->c.H, K = m->c.K;
    const encoder_family *f = encoder_family_in(&m->c);
    memcpy(ws->first_rows, ws->hidden[m->c.L], (size_t)B * (size_t)H * sizeof *ws->first_rows);
    if (f->drops_first)
        mask_rows(ws, ws->first_rows, b, drop, DROPOUT_FIRST);
    linear_forward(ws->pooled, ws->first_rows, m->p.pool_w, NULL, B, H, H, ws->c.p);
    (f->relu ? relu_forward : tanh_forward)(ws->pooled, m->p.pool_b, B, H);
    memcpy(ws->seen, ws->pooled, (size_t)B * (size_t)H * sizeof *ws->seen);
    mask_rows(ws, ws->seen, b, drop, DROPOUT_POOLED);
    linear_forward(ws->logits, ws->seen, m->p.class_w, m->p.class_b, B, K, H, FLOAT32);
}

err encoder_classify(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                     const float **logits) {
    CHECK(m->c.K > 0, ERR_FAILED, "this encoder has no classifier");
    CALL(forward_begin(ws, m, b, 0, drop ? WS_TRAIN : WS_INFER, 1));
    CALL(forward_recall(ws, m, b));
    forward_run(ws, m, b, drop);
    classify(ws, m, b, drop);
    *logits = ws->logits;
    return OK;
}

void encoder_softmax(double *p, const float *logits, int B, int K) {
    for (int i = 0; i < B; i++) {
        const float *x = logits + (size_t)i * (size_t)K;
        double *y = p + (size_t)i * (size_t)K;
        double max = (double)x[0], sum = 0.0;
        for (int k = 1; k < K; k++)
            max = (double)x[k] > max ? (double)x[k] : max;
        for (int k = 0; k < K; k++)
            sum += y[k] = exp((double)x[k] - max);
        for (int k = 0; k < K; k++)
            y[k] /= sum;
    }
}

err encoder_classify_step(encoder_ws *ws, const encoder *m, const batch *b, const dropout *drop,
                          float weight, float *grads, double *loss) {
    int B = b->B, H = m->c.H, K = m->c.K;
    CHECK(K > 0, ERR_FAILED, "this encoder has no classifier");
    CHECK(b->labels, ERR_FAILED, "a batch without labels cannot be trained on");
    for (int s = 0; s < B; s++)
        CHECK(b->labels[s] >= 0 && b->labels[s] < K, ERR_DATA,
              "sequence %d of the batch has label %d, the classifier %d classes", s, b->labels[s],
              K);
    CALL(forward_begin(ws, m, b, 0, WS_TRAIN, 1));
    forward_run(ws, m, b, drop);
    classify(ws, m, b, drop);
    float *dlogits = ws->logits;
    *loss = cross_entropy(dlogits, NULL, b->labels, b->smoothing, weight / (float)B, B, K);
    if (!grads)
        return OK;
    const encoder_family *f = encoder_family_in(&m->c);
    encoder_params d;
    encoder_view(&d, &m->c, grads);
    linear_backward_weight(d.class_w, dlogits, ws->seen, B, K, H, FLOAT32);
    bias_backward(d.class_b, dlogits, B, K);
    linear_backward_input(ws->dfirst, dlogits, m->p.class_w, B, K, H, 0, FLOAT32);
    mask_rows(ws, ws->dfirst, b, drop, DROPOUT_POOLED);
    (f->relu ? relu_backward : tanh_backward)(ws->dfirst, d.pool_b, ws->pooled, B, H);
    linear_backward_weight(d.pool_w, ws->dfirst, ws->first_rows, B, H, H, ws->c.p);
    linear_backward_input(ws->dstart, ws->dfirst, m->p.pool_w, B, H, H, 0, ws->c.p);
    if (f->drops_first)
        mask_rows(ws, ws->dstart, b, drop, DROPOUT_FIRST);
    backward_run(ws, m, b, drop, &d);
    return OK;
}

const float *encoder_dembedding(const encoder_ws *ws) {
    return ws->dhidden;
}

void forward_mlm_transform(encoder_ws *ws, const encoder *m, const int32_t *positions, int M) {
    int H = m->c.H;
    const encoder_params *p = &m->p;
    rows_gather(ws->picked, ws->hidden[m->c.L], positions, M, H);
    linear_gelu_forward(ws->head_gelu, ws->head_u, ws->picked, p->mlm_w, p->mlm_b, M, H, H,
                        ws->c.p);
    norm_forward(ws->head, ws->head_mean, ws->head_rstd, ws->head_gelu, p->mlm_norm_w,
                 p->mlm_norm_b, m->c.norm_eps, M, H);
}

/* From dhead (M, H) back to the hidden states; decoder gradients were added before. */
static void mlm_transform_backward(encoder_ws *ws, const encoder *m, const int32_t *positions,
                                   int M, const batch *b, encoder_params *d) {
    int H = m->c.H;
    const encoder_params *p = &m->p;
    norm_backward(ws->dhead, d->mlm_norm_w, d->mlm_norm_b, ws->dhead, ws->head_gelu, ws->head_mean,
                  ws->head_rstd, p->mlm_norm_w, M, H);
    gelu_backward(ws->dhead, ws->head_u, d->mlm_b, H, M, H);
    linear_backward_weight(d->mlm_w, ws->dhead, ws->picked, M, H, H, ws->c.p);
    float *dpicked = ws->head; /* no longer needed */
    linear_backward_input(dpicked, ws->dhead, p->mlm_w, M, H, H, 0, ws->c.p);
    memset(ws->dhidden, 0, (size_t)b->T * (size_t)H * sizeof *ws->dhidden);
    rows_scatter(ws->dhidden, dpicked, positions, M, H);
}

err encoder_mlm_step(encoder_ws *ws, const encoder *m, const batch *b, const int32_t *positions,
                     const int32_t *targets, int M, const dropout *drop, float weight, float *grads,
                     double *loss) {
    int H = m->c.H, V = m->c.V;
    CHECK(m->c.mlm, ERR_FAILED, "this encoder has no masked-language head");
    CHECK(M > 0, ERR_FAILED, "a batch without masked positions cannot be trained on");
    for (int i = 0; i < M; i++)
        CHECK(positions[i] >= 0 && positions[i] < b->T && targets[i] >= 0 && targets[i] < V,
              ERR_DATA, "masked position %d: token %d of %d, target %d of %d", i, positions[i],
              b->T, targets[i], V);
    CALL(forward_begin(ws, m, b, M, WS_TRAIN, 0));
    forward_run(ws, m, b, drop);
    forward_mlm_transform(ws, m, positions, M);
    encoder_params d = {0};
    if (grads)
        encoder_view(&d, &m->c, grads);
    *loss = 0.0;
    for (int i = 0; i < M; i += MLM_CHUNK) {
        int n = M - i < MLM_CHUNK ? M - i : MLM_CHUNK;
        const float *x = ws->head + (size_t)i * (size_t)H;
        linear_forward(ws->scores, x, m->p.word_emb, NULL, n, V, H, ws->c.p);
        *loss +=
            cross_entropy(ws->scores, m->p.mlm_bias, targets + i, 0.0f, weight / (float)M, n, V);
        if (!grads)
            continue;
        linear_backward_weight(d.word_emb, ws->scores, x, n, V, H, ws->c.p);
        bias_backward(d.mlm_bias, ws->scores, n, V);
        linear_backward_input(ws->dhead + (size_t)i * (size_t)H, ws->scores, m->p.word_emb, n, V, H,
                              0, ws->c.p);
    }
    if (!grads)
        return OK;
    mlm_transform_backward(ws, m, positions, M, b, &d);
    backward_run(ws, m, b, drop, &d);
    return OK;
}
