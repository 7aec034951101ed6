/* what the masked-language head finds most probable */
#include "model/encoder.h"

#include "model/forward.h"
#include "tensor/linear.h"

#include <math.h>

/* the k largest of x (V), largest first, of equal ones the lower id */
static int largest(const float *x, int V, int k, int32_t *id, double *value) {
    int n = 0;
    for (int v = 0; v < V; v++) {
        double y = (double)x[v];
        if (n == k && !(y > value[k - 1]))
            continue;
        int at = n < k ? n++ : k - 1;
        for (; at > 0 && y > value[at - 1]; at--) {
            value[at] = value[at - 1];
            id[at] = id[at - 1];
        }
        value[at] = y;
        id[at] = v;
    }
    return n;
}

/* the same as logarithms of probabilities; x gets the bias */
static err best(float *x, const float *bias, int V, int k, int32_t *id, double *logp) {
    double max = -INFINITY, sum = 0.0;
    for (int v = 0; v < V; v++) {
        x[v] += bias[v];
        CHECK(isfinite(x[v]), ERR_FAILED, "the masked-language head's output is not finite");
        max = fmax(max, (double)x[v]);
    }
    for (int v = 0; v < V; v++)
        sum += exp((double)x[v] - max);
    int n = largest(x, V, k, id, logp);
    for (int i = 0; i < n; i++)
        logp[i] -= max + log(sum);
    for (int i = n; i < k; i++) {
        id[i] = -1;
        logp[i] = -INFINITY;
    }
    return OK;
}

err encoder_mlm_best(encoder_ws *ws, const encoder *m, const batch *b, const int32_t *positions,
                     int M, int k, int32_t *id, double *logp) {
    int H = m->c.H, V = m->c.V;
    CHECK(m->c.mlm, ERR_FAILED, "this encoder has no masked-language head");
    for (int i = 0; i < M; i++)
        CHECK(positions[i] >= 0 && positions[i] < b->T, ERR_DATA, "position %d: token %d of %d", i,
              positions[i], b->T);
    if (M == 0)
        return OK;
    CALL(forward_begin(ws, m, b, M, WS_INFER, 0));
    forward_run(ws, m, b, NULL);
    forward_mlm_transform(ws, m, positions, M);
    for (int i = 0; i < M; i += MLM_CHUNK) {
        int n = M - i < MLM_CHUNK ? M - i : MLM_CHUNK;
        linear_forward(ws->scores, ws->head + (size_t)i * (size_t)H, m->p.word_emb, NULL, n, V, H,
                       ws->c.p);
        for (int r = 0; r < n; r++)
            CALL(best(ws->scores + (size_t)r * (size_t)V, m->p.mlm_bias, V, k,
                      id + (size_t)(i + r) * (size_t)k, logp + (size_t)(i + r) * (size_t)k));
    }
    return OK;
}
