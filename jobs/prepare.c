#include "prepare.h"
#include "context.h"
#include "job.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

static err subset(dataset *d, uint64_t seed, uint32_t purpose, int64_t want) {
    if (want == 0 || want >= d->n)
        return OK;
    int32_t *index = NULL;
    dataset part = {0};
    err e = mem_alloc((size_t)want, sizeof *index, &index);
    if (e == OK)
        e = dataset_sample(d, seed, purpose, (int)want, index);
    if (e == OK)
        e = dataset_select(d, index, (int)want, &part);
    free(index);
    CALL(e);
    dataset_free(d);
    *d = part;
    return OK;
}

static err read_data(context *c, void *arg) {
    (void)arg;
    const study *s = c->s;
    uint64_t seed = context_data_seed(c);
    dataset all = {0};
    err e;
    TRY(inputs_locate(c));
    TRY(inputs_vocabulary(c));
    TRY(dataset_read(s->data.name, c->root, "train", &all));
    TRY(dataset_read(s->data.name, c->root, "test", &c->test));
    dataset_log(&all);
    dataset_log(&c->test);
    TRY(inputs_check(c, &all, &c->test));
    TRY(dataset_split(&all, seed, (int)s->data.heldout_examples, &c->train, &c->heldout));
    TRY(subset(&c->train, seed, RNG_SAMPLE, s->data.train_examples));
    TRY(subset(&c->test, seed + 1, RNG_SAMPLE, s->data.test_examples));
done:
    dataset_free(&all);
    return e;
}

/* a copy of all of d, then a seeded part of it */
static err part_of(const dataset *d, uint64_t seed, int64_t want, dataset *out) {
    int32_t *all = NULL;
    CALL(mem_alloc((size_t)d->n, sizeof *all, &all));
    for (int i = 0; i < d->n; i++)
        all[i] = i;
    err e = dataset_select(d, all, d->n, out);
    free(all);
    CALL(e);
    return subset(out, seed, RNG_SAMPLE, want);
}

static err prepare(context *c) {
    uint64_t seed = context_data_seed(c);
    CALL(context_on_root(c, read_data, NULL));
    CALL(par_bcast(c->p, c->root, sizeof c->root, 0));
    CALL(par_bcast(c->p, c->vocab, sizeof c->vocab, 0));
    CALL(dataset_bcast(c->p, &c->train, 0));
    CALL(dataset_bcast(c->p, &c->heldout, 0));
    CALL(dataset_bcast(c->p, &c->test, 0));
    err e;
    int length = (int)c->s->data.max_length;
    TRY(tokenizer_open(c->vocab, &c->w));
    TRY(examples_make(&c->train, c->w, length, &c->xtrain));
    TRY(examples_make(&c->heldout, c->w, length, &c->xheldout));
    TRY(examples_make(&c->test, c->w, length, &c->xtest));
    TRY(part_of(&c->heldout, seed + 2, c->s->soup.examples, &c->probe));
    TRY(part_of(&c->test, seed + 3, c->s->attack.examples, &c->attacked));
    if (c->xtrain.cut || c->xtest.cut)
        log_info("%d training and %d reported texts are cut to %d tokens", c->xtrain.cut,
                 c->xtest.cut, length);
done:
    return par_agree(c->p, e);
}

err stage_prepare(context *c) {
    return context_stage(c, PREPARE, NULL, prepare);
}

static err prepare_and_check(context *c) {
    CALL(stage_prepare(c));
    return context_check_attack(c);
}

err job_prepare(const par *p, int argc, char **argv) {
    static char as_tagger[] = "espalier prepare tagger",
                as_synonyms[] = "espalier prepare synonyms";
    if (argc > 1 && strcmp(argv[1], "tagger") == 0) {
        argv[1] = as_tagger;
        return prepare_tagger(p, argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "synonyms") == 0) {
        argv[1] = as_synonyms;
        return prepare_synonyms(p, argc - 1, argv + 1);
    }
    return context_job(
        p, argc, argv,
        "Read and check the data of a study and the files of its attack, log what the "
        "data is, and write what is "
        "generated (synthetic language, vocabulary). `espalier prepare tagger' "
        "trains a part-of-speech tagger, `espalier prepare synonyms' makes an index "
        "of neighbours: see their --help.",
        prepare_and_check);
}
