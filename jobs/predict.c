/* predict: label and probabilities for every line of a file */
#include "predict.h"
#include "job.h"

#include "base/strbuf.h"
#include "model/encoder.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Lines go through the model in batches of this size, counted from the file's start and shared over
 * the ranks whole: what is printed does not depend on the number of ranks. */
enum { BATCH = 32 };

typedef struct arguments {
    const char *model, *file;
} arguments;

typedef struct predictor {
    encoder *m;
    encoder_ws *ws;
    tokenizer *w;
    dataset d;
    examples x;
    packer *pack;
    strbuf out; /* this rank's lines */
} predictor;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one model and one file, got also \"%s\"", arg);
        *(a->model ? &a->file : &a->model) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "a model's folder and a text file are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static err open_model(predictor *o, const char *dir) {
    char vocab[4096];
    CALL(encoder_load(dir, (encoder_want){.classes = -1, .mlm = 0}, &o->m));
    CHECK(o->m->c.K > 0, ERR_DATA, "%s: the model has no classifier: fine-tune it first", dir);
    CALL(tokenizer_find(dir, vocab));
    CALL(tokenizer_open(vocab, &o->w));
    CHECK(o->w->V <= o->m->c.V, ERR_DATA, "%s: %d pieces, but the model has %d word embeddings",
          vocab, o->w->V, o->m->c.V);
    CALL(encoder_thin(o->m));
    return encoder_ws_create(&o->m->c, &o->ws);
}

static err write_rows(predictor *o, const double *prob, int first, int B) {
    const encoder_config *c = &o->m->c;
    for (int b = 0; b < B; b++, prob += c->K) {
        int best = 0;
        for (int k = 0; k < c->K; k++) {
            CHECK(isfinite(prob[k]), ERR_FAILED, "line %d: the model's output is not finite",
                  first + b + 1);
            best = prob[k] > prob[best] ? k : best;
        }
        if (c->label[best][0])
            CALL(strbuf_printf(&o->out, "%s", c->label[best]));
        else
            CALL(strbuf_printf(&o->out, "%d", best));
        for (int k = 0; k < c->K; k++)
            CALL(strbuf_printf(&o->out, "\t%.6f", prob[k]));
        CALL(strbuf_add(&o->out, "\n", 1));
    }
    return OK;
}

/* the whole batches of this rank: a contiguous part of all of them */
static err predict_part(const par *p, predictor *o) {
    int n_batches = (o->d.n + BATCH - 1) / BATCH;
    int from = (int)((int64_t)n_batches * p->rank / p->size);
    int to = (int)((int64_t)n_batches * (p->rank + 1) / p->size);
    double prob[BATCH * ENCODER_MAX_CLASSES];
    CALL(packer_create(&o->x, BATCH, &o->pack));
    for (int i = from; i < to; i++) {
        int32_t index[BATCH];
        int first = i * BATCH, B = o->d.n - first < BATCH ? o->d.n - first : BATCH;
        const float *logits; // (B, K)
        batch b;
        for (int k = 0; k < B; k++)
            index[k] = first + k;
        CALL(packer_pack(o->pack, index, B, &b));
        CALL(encoder_classify(o->ws, o->m, &b, NULL, &logits));
        encoder_softmax(prob, logits, B, o->m->c.K);
        CALL(write_rows(o, prob, first, B));
    }
    return OK;
}

/* every rank's lines, in rank order, on standard output of rank 0 */
static err print_parts(const par *p, const predictor *o) {
    char *all = NULL;
    size_t *offset = NULL;
    CALL(par_allgather(p, o->out.text ? o->out.text : "", o->out.len, &all, &offset));
    if (p->rank == 0)
        fwrite(all, 1, offset[p->size], stdout); /* failures are seen when main flushes */
    free(all);
    free(offset);
    return OK;
}

static err predict(const par *p, const arguments *a, predictor *o) {
    CALL(par_agree(p, open_model(o, a->model)));
    CALL(par_agree(p, p->rank == 0 ? predict_lines(a->file, &o->d) : OK));
    CALL(dataset_bcast(p, &o->d, 0));
    err e = examples_make(&o->d, o->w, o->m->c.P, &o->x);
    if (e == OK)
        e = predict_part(p, o);
    CALL(par_agree(p, e));
    return print_parts(p, o);
}

err job_predict(const par *p, int argc, char **argv) {
    const struct argp argp = {
        NULL,
        parse,
        "MODEL FILE",
        "Print label<TAB>probability of every class for each line of FILE. MODEL is a "
        "folder with config.json, model.safetensors and its vocabulary. Lines longer than "
        "the model's longest sequence are cut.",
        NULL,
        NULL,
        NULL};
    arguments a = {0};
    predictor o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    err e = predict(p, &a, &o);
    packer_destroy(&o.pack);
    examples_free(&o.x);
    dataset_free(&o.d);
    encoder_ws_destroy(&o.ws);
    encoder_destroy(&o.m);
    tokenizer_close(&o.w);
    strbuf_free(&o.out);
    return e;
}
