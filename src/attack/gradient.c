#include "attack/gradient.h"

#include "attack/spans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double norm_of(const float *g, span_of_ids span, int H) {
    double norm = 0.0;
    for (int c = 0; c < H && span.first < span.last; c++) {
        double sum = 0.0;
        for (int t = span.first; t < span.last; t++)
            sum += (double)g[(size_t)t * (size_t)H + (size_t)c];
        norm += fabs(sum / (span.last - span.first));
    }
    return norm;
}

/* The gradients of the parameters come along: they add up in a block that nobody reads. */
static err backward(search *s, const batch *b) {
    attack *a = s->a;
    double loss;
    if (a->n_thrown < s->victim->n) {
        free(a->thrown);
        a->thrown = NULL;
        a->n_thrown = 0;
        CALL(mem_alloc(s->victim->n, sizeof *a->thrown, &a->thrown));
        a->n_thrown = s->victim->n;
    }
    CALL(encoder_classify_step(s->ws, s->victim, b, NULL, 1.0f, a->thrown, &loss));
    CHECK(isfinite(loss), ERR_FAILED, "the model's output is not finite");
    return OK;
}

err gradient_norms(search *s, double *norm) {
    strbuf text = {0};
    span_of_ids *span;
    int32_t offsets[2] = {0}, label = s->label;
    int P = s->a->max_length < s->victim->c.P ? s->a->max_length : s->victim->c.P, cut;
    CALL(arena_alloc(s->memory, (size_t)s->original.n + 1, sizeof *span, &span));
    CALL(spans_find(s->a->w, &s->original, P, span));
    err e = words_join(&s->original, -1, &text);
    if (e == OK)
        e = tokenizer_sequence(s->a->w, text.text ? text.text : "", text.len, s->ids, P,
                               &offsets[1], &cut);
    strbuf_free(&text);
    CALL(e);
    batch b = {.B = 1, .T = offsets[1], .ids = s->ids, .offsets = offsets, .labels = &label};
    CALL(backward(s, &b));
    for (int i = 0; i < s->original.n; i++)
        norm[i] = norm_of(encoder_dembedding(s->ws), span[i], s->victim->c.H);
    return OK;
}
