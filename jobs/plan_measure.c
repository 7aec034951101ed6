/* what a plan is made from: lengths, memory, speed */
#include "memory.h"
#include "plan.h"

#include "base/arena.h"

/* seconds of calibration; texts of the corpus that are tokenised to know its length */
static const double CALIBRATION = 6;
enum { CORPUS_SAMPLE = 2000 };

/* how long the corpus is, by its first texts */
static err measure_corpus(study_plan *p) {
    context *c = p->c;
    dataset corpus = {0}, part = {0};
    int32_t index[CORPUS_SAMPLE];
    err e = OK;
    if (c->s->pretrain.epochs == 0)
        return OK;
    TRY(start_corpus(c, &corpus));
    int n = corpus.n < CORPUS_SAMPLE ? corpus.n : CORPUS_SAMPLE;
    for (int i = 0; i < n; i++)
        index[i] = i;
    TRY(dataset_select(&corpus, index, n, &part));
    TRY(examples_make(&part, c->w, (int)c->s->pretrain.max_length, &p->corpus));
    p->corpus_texts = corpus.n;
    p->corpus_tokens = p->corpus.offset[n] * corpus.n / n;
done:
    dataset_free(&corpus);
    dataset_free(&part);
    return par_agree(c->p, e);
}

err plan_measure(study_plan *p, int calibrated) {
    const study *s = p->c->s;
    CALL(measure_corpus(p));
    CALL(available_memory(p->c->p, &p->room));
    CALL(par_agree(p->c->p, memory_finetune(p->c, &p->shape, p->ranks, &p->finetune)));
    encoder_config masked = p->shape;
    masked.mlm = 1;
    if (s->pretrain.epochs > 0)
        CALL(par_agree(p->c->p,
                       need_pretrain(&masked, &s->pretrain, p->ranks, &p->corpus, &p->pretrain)));
    p->speed.rates = cost_assume(&p->shape);
    p->measured = calibrated;
    if (calibrated)
        CALL(calibrate(p->c->p, &p->shape, &s->finetune, &p->c->xtrain, &p->c->xheldout,
                       CALIBRATION, &p->speed));
    CALL(mem_alloc((size_t)s->n_variants, sizeof *p->seconds, &p->seconds));
    int64_t heldout = p->c->xheldout.offset[p->c->xheldout.n];
    for (int i = 0; i < s->n_variants; i++)
        p->seconds[i] =
            cost_variant(&p->speed.rates, &s->variants[i].o, &p->c->xtrain, heldout).seconds;
    return OK;
}
