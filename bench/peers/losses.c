/* losses: one fine-tuning of ours, left behind in a form that another program can repeat.
 *
 *     losses STUDY OUT
 *
 * Carries out the first variant of STUDY, which is about a data set below ESPALIER_DATA, with
 * train_classifier itself, and leaves in the folder OUT:
 *
 *   start/        the encoder before the first step, Hugging Face layout
 *   batches.txt   a line a step: label and ids of each sequence, sequences separated by ";"
 *   options.txt   steps, peak learning rate, warm-up, weight decay, clip
 *   ours.txt      the mean loss of each step
 *
 * The order of examples is the trainer's rule once more; were it another one, no loss would agree.
 */
#include "base/arena.h"
#include "base/monitor.h"
#include "base/rng.h"
#include "config/study.h"
#include "tensor/blas.h"
#include "text/dataset.h"
#include "train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* This program's monitor takes the place of base/monitor.c: the trainer tells it every loss. */
static FILE *curve;

void monitor_begin(monitor *m, const char *stage, const char *unit, int64_t total) {
    *m = (monitor){.unit = unit, .total = total};
    snprintf(m->stage, sizeof m->stage, "%s", stage);
}

void monitor_step(monitor *m, int64_t done, double loss) {
    m->done = done;
    fprintf(curve, "%.17g\n", loss);
}

void monitor_end(monitor *m) {
    (void)m;
}

static err create(const char *dir, const char *name, FILE **out) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *out = fopen(path, "w");
    CHECK(*out, ERR_IO, "%s: cannot be written", path);
    return OK;
}

static err write_batches(const char *dir, const finetune_options *o, const examples *x) {
    FILE *f = NULL;
    int32_t *order = NULL;
    err e;
    TRY(create(dir, "batches.txt", &f));
    TRY(mem_alloc((size_t)x->n, sizeof *order, &order));
    for (int32_t epoch = 0; epoch < o->epochs; epoch++) {
        for (int32_t i = 0; i < x->n; i++)
            order[i] = i;
        rng_stream s = rng_open((uint64_t)o->seed, RNG_SHUFFLE, (uint32_t)epoch, 0);
        rng_shuffle(&s, order, x->n);
        for (int i = 0; i < x->n; i++) {
            fprintf(f, "%d", x->label[order[i]]);
            for (int64_t t = x->offset[order[i]]; t < x->offset[order[i] + 1]; t++)
                fprintf(f, " %d", x->ids[t]);
            fputc((i + 1) % o->batch == 0 || i == x->n - 1 ? '\n' : ';', f);
        }
    }
done:
    if (f)
        fclose(f);
    free(order);
    return e;
}

static err write_options(const char *dir, const finetune_options *o, int64_t steps) {
    FILE *f;
    CALL(create(dir, "options.txt", &f));
    fprintf(f, "steps %lld\nlearning_rate %.17g\nwarmup %.17g\nweight_decay %.17g\nclip %.17g\n",
            (long long)steps, o->learning_rate, o->warmup, o->weight_decay, o->clip);
    fclose(f);
    return OK;
}

/* a sample of the training split as token sequences */
static err read_examples(const study *s, const char *root, examples *x) {
    char path[8192];
    tokenizer *w = NULL;
    dataset all = {0}, some = {0};
    int32_t *index = NULL;
    err e;
    snprintf(path, sizeof path, "%s/%s", root, s->data.vocabulary);
    TRY(tokenizer_open(path, &w));
    TRY(dataset_read(s->data.name, root, "train", &all));
    int n = s->data.train_examples > 0 ? (int)s->data.train_examples : all.n;
    TRY(mem_alloc((size_t)n, sizeof *index, &index));
    TRY(dataset_sample(&all, (uint64_t)s->study.seed, RNG_SAMPLE, n, index));
    TRY(dataset_select(&all, index, n, &some));
    TRY(examples_make(&some, w, (int)s->data.max_length, x));
done:
    free(index);
    dataset_free(&some);
    dataset_free(&all);
    tokenizer_close(&w);
    return e;
}

static err run(const study *s, const char *dir) {
    const char *root = getenv("ESPALIER_DATA");
    const finetune_options *o = &s->variants[0].o;
    encoder *m = NULL;
    examples x = {0};
    char path[8192];
    train_result r;
    monitor mon;
    par alone = par_alone();
    err e;
    CHECK(root, ERR_USAGE, "ESPALIER_DATA is not set: it names the folder that holds sst2/");
    mkdir(dir, 0777);
    TRY(read_examples(s, root, &x));
    snprintf(path, sizeof path, "%s/%s", root, s->model.checkpoint);
    TRY(encoder_load(path, (encoder_want){.classes = 2, .seed = (uint64_t)s->study.seed}, &m));
    snprintf(path, sizeof path, "%s/start", dir);
    TRY(encoder_save(m, path, NULL));
    TRY(write_batches(dir, o, &x));
    TRY(create(dir, "ours.txt", &curve));
    monitor_begin(&mon, "losses", "steps", 0);
    TRY(train_classifier(&alone, m, o, &x, NULL, NULL, &mon, &r));
    TRY(write_options(dir, o, mon.total));
    ENSURE(fclose(curve) == 0, ERR_IO, "%s/ours.txt: cannot be written", dir);
done:
    encoder_destroy(&m);
    examples_free(&x);
    return e;
}

int main(int argc, char **argv) {
    study *s = NULL;
    blas_start(argv);
    if (argc != 3) {
        fprintf(stderr, "usage: losses STUDY OUT\n");
        return 2;
    }
    blas_single_thread();
    err e = study_read(argv[1], NULL, 0, &s);
    if (e == OK)
        e = run(s, argv[2]);
    if (e != OK)
        fprintf(stderr, "losses: %s\n", err_message());
    study_free(&s);
    return (int)e;
}
