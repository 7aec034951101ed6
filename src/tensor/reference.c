#include "tensor/reference.h"

#include <math.h>

void reference_linear(double *y, const double *x, const double *w, const double *b, int T, int out,
                      int in) {
    for (int t = 0; t < T; t++)
        for (int o = 0; o < out; o++) {
            double sum = b ? b[o] : 0.0;
            for (int i = 0; i < in; i++)
                sum += x[t * in + i] * w[o * in + i];
            y[t * out + o] = sum;
        }
}

void reference_norm(double *y, const double *x, const double *w, const double *b, double eps, int T,
                    int H) {
    for (int t = 0; t < T; t++, x += H, y += H) {
        double mean = 0.0, variance = 0.0;
        for (int j = 0; j < H; j++)
            mean += x[j] / H;
        for (int j = 0; j < H; j++)
            variance += (x[j] - mean) * (x[j] - mean) / H;
        for (int j = 0; j < H; j++)
            y[j] = (x[j] - mean) / sqrt(variance + eps) * w[j] + b[j];
    }
}

double reference_gelu(double x) {
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

double reference_gelu_slope(double x) {
    const double pi = 3.14159265358979323846;
    return 0.5 * erfc(-x / sqrt(2.0)) + x * exp(-0.5 * x * x) / sqrt(2.0 * pi);
}

void reference_softmax(double *x, int n) {
    double max = x[0], sum = 0.0;
    for (int j = 1; j < n; j++)
        max = fmax(max, x[j]);
    for (int j = 0; j < n; j++)
        sum += x[j] = exp(x[j] - max);
    for (int j = 0; j < n; j++)
        x[j] /= sum;
}

/* query i: row by row, the scores in the row's own place are not kept */
void reference_attention(double *context, int ld_context, const double *q, const double *k,
                         const double *v, int ld, const float *mask, int S, int D) {
    for (int i = 0; i < S; i++) {
        double max = -INFINITY, sum = 0.0;
        for (int pass = 0; pass < 3; pass++) {
            for (int d = 0; pass == 2 && d < D; d++)
                context[i * ld_context + d] = 0.0;
            for (int j = 0; j < S; j++) {
                double score = 0.0;
                for (int d = 0; d < D; d++)
                    score += q[i * ld + d] * k[j * ld + d] / sqrt((double)D);
                if (pass == 0)
                    max = fmax(max, score);
                else if (pass == 1)
                    sum += exp(score - max);
                double p = exp(score - max) / sum * (mask ? (double)mask[i * S + j] : 1.0);
                for (int d = 0; pass == 2 && d < D; d++)
                    context[i * ld_context + d] += p * v[j * ld + d];
            }
        }
    }
}

double reference_cross_entropy(const double *logits, const int32_t *target, int n, int width) {
    double loss = 0.0;
    for (int i = 0; i < n; i++, logits += width) {
        double max = logits[0];
        for (int j = 1; j < width; j++)
            max = fmax(max, logits[j]);
        double sum = exp(logits[0] - max);
        for (int j = 1; j < width; j++)
            sum += exp(logits[j] - max);
        loss += log(sum) + max - logits[target[i]];
    }
    return loss;
}

void reference_embedding(double *x, const batch *b, const double *word, const double *pos,
                         const double *type, int H) {
    for (int s = 0; s < b->B; s++)
        for (int t = b->offsets[s]; t < b->offsets[s + 1]; t++)
            for (int j = 0; j < H; j++)
                x[t * H + j] = word[b->ids[t] * H + j] + pos[(t - b->offsets[s]) * H + j] +
                               (type ? type[(b->types ? b->types[t] : 0) * H + j] : 0.0);
}
