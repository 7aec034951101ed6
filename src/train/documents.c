#include "train/documents.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* a packed document may be longer than any sequence; what is beyond this many tokens is cut */
enum { DOCUMENT_TOKENS = 1 << 20 };

/* the sequence that is being filled is the last of out */
typedef struct filling {
    examples *out;
    int64_t at; /* tokens so far, over all sequences */
    int32_t cls, sep;
    int room; /* tokens of the sequence at hand that still fit into the sequence at hand; 0: none is
                 begun */
} filling;

static void put(filling *f, int32_t id) {
    f->out->ids[f->at++] = id;
}

static void finish(filling *f) {
    if (f->room == 0)
        return;
    if (f->out->ids[f->at - 1] != f->sep)
        put(f, f->sep);
    f->out->offset[++f->out->n] = f->at;
    f->room = 0;
}

static void add(filling *f, int32_t id) {
    if (f->room == 0 && id == f->sep) /* the sequence before ended with its document */
        return;
    if (f->room == 0) {
        put(f, f->cls);
        f->room = f->out->max_length - 1;
    }
    put(f, id);
    f->room--;
    if (f->room == 1) /* kept for the [SEP] that a token more would need */
        finish(f);
}

err documents_pack(const examples *x, int32_t cls, int32_t sep, int max_length, examples *out) {
    examples y = {.max_length = max_length, .cut = x->cut};
    filling f = {.out = &y, .cls = cls, .sep = sep};
    /* a sequence holds max_length - 2 tokens at least, besides its [CLS] and [SEP] */
    size_t tokens = (size_t)x->offset[x->n], most = tokens / (size_t)(max_length - 2) + 1;
    err e;
    TRY(mem_alloc(tokens + 2 * most, sizeof *y.ids, &y.ids));
    TRY(mem_alloc(most + 1, sizeof *y.offset, &y.offset));
    for (int i = 0; i < x->n; i++)
        for (int64_t t = x->offset[i] + 1; t < x->offset[i + 1]; t++)
            add(&f, x->ids[t]);
    finish(&f);
    TRY(mem_alloc((size_t)y.n + 1, sizeof *y.label, &y.label));
    *out = y;
    y = (examples){0};
done:
    examples_free(&y);
    return e;
}

err documents_examples(const dataset *d, const tokenizer *w, const pretrain_options *o,
                       examples *out) {
    examples whole = {0};
    if (!o->pack)
        return examples_make(d, w, (int)o->max_length, out);
    CALL(examples_make(d, w, DOCUMENT_TOKENS, &whole));
    err e = documents_pack(&whole, w->cls, w->sep, (int)o->max_length, out);
    examples_free(&whole);
    return e;
}
