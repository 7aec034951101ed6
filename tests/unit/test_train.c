/* fine-tuning, divergence, masking and the checkpoint file, on one process. */
#include "eval/accuracy.h"
#include "toy.h"
#include "train/divergence.h"
#include "train/mask.h"
#include "train/train.h"

#include <check.h>
#include <math.h>

static finetune_options options(void) {
    finetune_options o = toy_finetune();
    o.learning_rate = 3e-3;
    o.epochs = 6;
    o.batch = 16;
    o.seed = 7;
    return o;
}

static const par alone = {.size = 1};

/* --- divergence ------------------------------------------------------------------------------- */

START_TEST(divergence_needs_a_sustained_loss) {
    divergence d = divergence_watch(2);
    ck_assert_double_eq_tol(d.limit, 3 * 0.6931471805599453 + 1, 1e-15);
    for (int i = 0; i < 7; i++)
        ck_assert(!divergence_seen(&d, 100.0, 1.0));
    for (int i = 0; i < 9; i++) /* 7 bad ones, then good ones */
        ck_assert(!divergence_seen(&d, 0.5, 1.0));
    for (int i = 0; i < 7; i++)
        ck_assert(!divergence_seen(&d, 100.0, 1.0));
    ck_assert(divergence_seen(&d, 100.0, 1.0));
}
END_TEST

START_TEST(divergence_sees_a_swinging_loss) {
    divergence d = divergence_watch(2);
    int step = 0;
    while (step < 100 && !divergence_seen(&d, step % 2 ? 0.1 : 100.0, 1.0))
        step++;
    ck_assert_int_eq(step, 14); /* the eighth bad one */
}
END_TEST

START_TEST(divergence_sees_what_is_not_finite) {
    divergence d = divergence_watch(2);
    ck_assert(divergence_seen(&d, NAN, 1.0));
    ck_assert(divergence_seen(&d, 0.5, NAN));
    ck_assert(divergence_seen(&d, INFINITY, 1.0));
    ck_assert(!divergence_seen(&d, 0.5, 1e30));
}
END_TEST

/* --- the classifier --------------------------------------------------------------------------- */

START_TEST(classifier_learns_a_separable_task) {
    examples x = toy_examples(301, 1), fresh = toy_examples(200, 2); /* 301: a last batch of 13 */
    encoder *m = toy_encoder(2, 0, 3);
    finetune_options o = options();
    train_result r;
    monitor mon;
    accuracy seen, unseen;
    monitor_begin(&mon, "toy", "steps", 0);
    ck_ok(train_classifier(&alone, m, &o, &x, NULL, NULL, &mon, &r));
    ck_assert(!r.diverged);
    ck_assert_int_eq(r.steps, 6 * 19);
    ck_assert_int_eq(r.tokens, 6 * x.offset[x.n]);
    ck_assert_int_eq(mon.total, r.steps);
    ck_assert_int_eq(mon.done, r.steps);
    ck_assert_double_gt(r.first_loss, 0.5); /* about ln 2 */
    ck_assert_double_lt(r.last_loss, 0.2);
    ck_ok(accuracy_local(m, &x, &seen));
    ck_ok(accuracy_local(m, &fresh, &unseen));
    ck_assert_int_gt(seen.correct * 100, seen.n * 95);
    ck_assert_int_gt(unseen.correct * 100, unseen.n * 95);
    encoder_destroy(&m);
    examples_free(&x);
    examples_free(&fresh);
}
END_TEST

START_TEST(classifier_is_a_function_of_its_seed) {
    examples x = toy_examples(50, 1);
    encoder *m[3];
    train_result r[3];
    for (int i = 0; i < 3; i++) {
        finetune_options o = options();
        o.epochs = 1;
        o.seed = i == 2 ? 8 : 7;
        m[i] = toy_encoder(2, 0, 3);
        ck_ok(train_classifier(&alone, m[i], &o, &x, NULL, NULL, NULL, &r[i]));
    }
    ck_assert(toy_same(m[0], m[1]));
    ck_assert(!toy_same(m[0], m[2]));
    ck_assert_double_eq(r[0].last_loss, r[1].last_loss);
    for (int i = 0; i < 3; i++)
        encoder_destroy(&m[i]);
    examples_free(&x);
}
END_TEST

START_TEST(classifier_records_divergence) {
    examples x = toy_examples(300, 1);
    encoder *m = toy_encoder(2, 0, 3);
    finetune_options o = options();
    train_result r;
    finetune_options wild = o;
    wild.learning_rate = 1000;
    ck_ok(train_classifier(&alone, m, &wild, &x, NULL, NULL, NULL, &r));
    ck_assert(r.diverged);
    ck_assert_int_lt(r.steps, 30); /* of 114 */
    encoder_destroy(&m);

    m = toy_encoder(2, 0, 3);
    m->p.class_w[0] = NAN;
    ck_ok(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r));
    ck_assert(r.diverged);
    ck_assert_int_eq(r.steps, 1);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

/* the loop as one would write it: each step's sequences in one batch, one after the other */
static encoder *plain_loop(const finetune_options *o, const examples *x) {
    encoder *m = toy_encoder(2, 0, 3);
    encoder_ws *ws;
    packer *pack;
    float *g = malloc(m->n * sizeof *g), *moment = calloc(m->n, sizeof *moment);
    int32_t *order = malloc((size_t)x->n * sizeof *order);
    int sequences = (int)(o->batch * o->accumulate), step = 0;
    int steps = (int)o->epochs * ((x->n + sequences - 1) / sequences);
    ck_assert(g && moment && order);
    ck_ok(encoder_ws_create(&m->c, &ws));
    ck_ok(packer_create(x, sequences, &pack));
    for (uint32_t epoch = 0; epoch < o->epochs; epoch++) {
        dropout drop = {(uint64_t)o->seed, epoch, (float)o->dropout, (float)o->dropout};
        rng_stream r = rng_open((uint64_t)o->seed, RNG_SHUFFLE, epoch, 0);
        for (int i = 0; i < x->n; i++)
            order[i] = i;
        rng_shuffle(&r, order, x->n);
        for (int at = 0; at < x->n; at += sequences, step++) {
            batch b;
            double loss, norm = 0.0;
            ck_ok(packer_pack(pack, order + at, x->n - at < sequences ? x->n - at : sequences, &b));
            b.smoothing = (float)o->label_smoothing;
            memset(g, 0, m->n * sizeof *g);
            ck_ok(encoder_classify_step(ws, m, &b, &drop, 1.0f, g, &loss));
            for (size_t i = 0; i < m->n; i++)
                norm += (double)g[i] * (double)g[i];
            double scale = fmin(1.0, o->clip / (sqrt(norm) + 1e-6));
            double rate = o->learning_rate * 0.5 * (1.0 + cos(acos(-1.0) * step / steps));
            for (size_t i = 0; i < m->n; i++) {
                moment[i] = (float)(o->momentum * (double)moment[i] + scale * (double)g[i]);
                m->block[i] -= (float)(rate * (double)moment[i]);
            }
        }
    }
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    free(g);
    free(moment);
    free(order);
    return m;
}

/* shards and micro-batches change roundings alone: 20 steps of SGD keep them small */
START_TEST(classifier_is_a_plain_loop) {
    static const int CUTS[][3] = {{12, 1, 1}, {12, 1, 4}, {4, 3, 4}, {4, 3, 1}, {1, 12, 2}};
    examples x = toy_examples(57, 1); /* a last step of 9 sequences */
    finetune_options o = options();
    strcpy(o.optimiser, "sgd");
    strcpy(o.schedule, "cosine");
    o.learning_rate = 0.02;
    o.weight_decay = 0.0;
    o.label_smoothing = 0.2;
    o.warmup = 0.0;
    o.clip = 0.3;
    o.epochs = 4;
    o.batch = 12;
    encoder *start = toy_encoder(2, 0, 3), *want = plain_loop(&o, &x);
    for (size_t k = 0; k < sizeof CUTS / sizeof *CUTS; k++) {
        encoder *m = toy_encoder(2, 0, 3);
        train_result r;
        double gap = 0.0, way = 0.0;
        o.batch = CUTS[k][0];
        o.accumulate = CUTS[k][1];
        o.shards = CUTS[k][2];
        ck_ok(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r));
        ck_assert_int_eq(r.steps, 20);
        for (size_t i = 0; i < m->n; i++) {
            gap += pow((double)m->block[i] - (double)want->block[i], 2);
            way += pow((double)start->block[i] - (double)want->block[i], 2);
        }
        ck_assert_msg(gap < 1e-10 * way, "cut %zu: %.2e of the way", k, sqrt(gap / way));
        encoder_destroy(&m);
    }
    encoder_destroy(&start);
    encoder_destroy(&want);
    examples_free(&x);
}
END_TEST

/* mean loss, example by example */
static double held_loss(const encoder *m, const examples *x) {
    double total = 0.0;
    encoder_ws *ws;
    packer *pack;
    ck_ok(encoder_ws_create(&m->c, &ws));
    ck_ok(packer_create(x, 1, &pack));
    for (int32_t i = 0; i < x->n; i++) {
        batch b;
        double loss;
        ck_ok(packer_pack(pack, &i, 1, &b));
        ck_ok(encoder_classify_step(ws, m, &b, NULL, 1.0f, NULL, &loss));
        total += loss;
    }
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    return total / x->n;
}

/* held-out labels that contradict what is learned: the loss rises once it is learned */
START_TEST(early_stopping_ends_with_the_best_weights) {
    examples x = toy_examples(200, 1), held = toy_examples(60, 2);
    finetune_options o = options();
    encoder *m = toy_encoder(2, 0, 3), *whole = toy_encoder(2, 0, 3);
    train_result r, all;
    for (int i = 0; i < 60; i += 3)
        held.label[i] = 1 - held.label[i];
    o.learning_rate = 6e-3;
    o.epochs = 30;
    ck_ok(train_classifier(&alone, whole, &o, &x, NULL, NULL, NULL, &all));
    o.early_stop = 3;
    o.evaluate_every = 4;
    ck_ok(train_classifier(&alone, m, &o, &x, &held, NULL, NULL, &r));
    ck_assert(!r.diverged && r.stopped_early);
    ck_assert_int_lt(r.steps, all.steps / 2);
    ck_assert_int_eq(r.steps, 4 * r.evaluations);
    ck_assert_int_eq(r.best_step, r.steps - 3 * 4); /* three that were not better */
    ck_assert_double_eq_tol(held_loss(m, &held), r.best_loss, 1e-5);
    ck_assert_double_lt(r.best_loss, held_loss(whole, &held));
    encoder_destroy(&m);

    /* never out of patience: the best of all evaluations, the last step's among them */
    m = toy_encoder(2, 0, 3);
    o.early_stop = 1000;
    o.evaluate_every = 0;
    o.epochs = 7;
    ck_ok(train_classifier(&alone, m, &o, &x, &held, NULL, NULL, &r));
    ck_assert(!r.stopped_early && r.evaluations == 7 && r.steps == 7 * 13);
    ck_assert_double_eq_tol(held_loss(m, &held), r.best_loss, 1e-5);
    ck_assert_int_eq(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r), ERR_FAILED);
    encoder_destroy(&m);
    encoder_destroy(&whole);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

START_TEST(divergence_is_seen_in_the_heldout_loss) {
    divergence d = divergence_watch(2);
    ck_assert(!divergence_heldout(&d, 0.7));
    ck_assert(divergence_heldout(&d, 3.2));
    ck_assert(divergence_heldout(&d, INFINITY));
    ck_assert(divergence_heldout(&d, NAN));
    /* labels that are all wrong, and a rate that makes it sure of them within two epochs */
    examples x = toy_examples(160, 1), held = toy_examples(60, 2);
    finetune_options o = options();
    encoder *m = toy_encoder(2, 0, 3);
    train_result r;
    for (int i = 0; i < 60; i++)
        held.label[i] = 1 - held.label[i];
    o.learning_rate = 1e-2;
    o.epochs = 20;
    o.early_stop = 1000;
    ck_ok(train_classifier(&alone, m, &o, &x, &held, NULL, NULL, &r));
    ck_assert(r.diverged && !r.stopped_early);
    ck_assert_int_lt(r.steps, 200);
    ck_assert_int_eq(r.steps % 10, 0); /* where it was evaluated */
    encoder_destroy(&m);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

START_TEST(classifier_refuses_bad_data) {
    examples x = toy_examples(10, 1), none = {.n = 0};
    encoder *m = toy_encoder(2, 0, 3);
    finetune_options o = options();
    train_result r;
    ck_assert_int_eq(train_classifier(&alone, m, &o, &none, NULL, NULL, NULL, &r), ERR_DATA);
    x.label[4] = 2;
    ck_assert_int_eq(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "example 4 has label 2"));
    strcpy(o.optimiser, "adagrad");
    x.label[4] = 1;
    ck_assert_int_eq(train_classifier(&alone, m, &o, &x, NULL, NULL, NULL, &r), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err_message(), "adagrad"));
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

/* --- masking ---------------------------------------------------------------------------------- */

enum { SEQUENCES = 2000, LENGTH = 10 };

/* A packed batch of LENGTH-token sequences of the one piece 9, numbered from `first`. */
typedef struct plain {
    batch b;
    int32_t ids[SEQUENCES * LENGTH], offsets[SEQUENCES + 1], example[SEQUENCES];
    int32_t out[SEQUENCES * LENGTH], positions[SEQUENCES * LENGTH], targets[SEQUENCES * LENGTH];
} plain;

static plain *plain_make(int first, int B) {
    plain *p = calloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < B; i++) {
        p->example[i] = first + i;
        p->offsets[i] = i * LENGTH;
        for (int t = 0; t < LENGTH; t++)
            p->ids[i * LENGTH + t] = t == 0 ? TOY_CLS : t == LENGTH - 1 ? TOY_SEP : 9;
    }
    p->offsets[B] = B * LENGTH;
    p->b = (batch){
        .B = B, .T = B * LENGTH, .ids = p->ids, .offsets = p->offsets, .example = p->example};
    return p;
}

/* within 4.5 standard deviations of a binomial: a fair draw fails once in 150,000 */
static int plausible(int k, int n, double share) {
    return fabs(k - n * share) < 4.5 * sqrt(n * share * (1 - share));
}

START_TEST(mask_follows_80_10_10) {
    tokenizer w = toy_vocabulary();
    masking k;
    plain *p = plain_make(0, SEQUENCES);
    int masked = 0, kept = 0, random = 0;
    ck_ok(masking_make(&w, 5, 0.15, &k));
    int M = mask_tokens(&k, 0, &p->b, p->out, p->positions, p->targets);
    ck_assert(plausible(M, SEQUENCES * (LENGTH - 2), 0.15));
    for (int i = 0; i < M; i++) {
        int32_t t = p->positions[i];
        ck_assert(i == 0 || p->positions[i - 1] < t);
        ck_assert_int_eq(p->ids[t], 9); /* never [CLS] or [SEP] */
        ck_assert_int_eq(p->targets[i], 9);
        ck_assert(p->out[t] >= 0 && p->out[t] < TOY_V);
        masked += p->out[t] == TOY_MASK;
        kept += p->out[t] == 9;
        random += p->out[t] != TOY_MASK && p->out[t] != 9;
        p->out[t] = 9;
    }
    ck_assert(memcmp(p->out, p->ids, sizeof p->ids) == 0); /* the rest is untouched */
    /* a random piece is [MASK] or 9 once in 24 */
    ck_assert(plausible(masked, M, 0.8 + 0.1 / TOY_V));
    ck_assert(plausible(kept, M, 0.1 + 0.1 / TOY_V));
    ck_assert(plausible(random, M, 0.1 - 0.2 / TOY_V));
    free(p);
}
END_TEST

START_TEST(mask_depends_on_sequence_and_epoch_only) {
    tokenizer w = toy_vocabulary();
    masking k;
    plain *all = plain_make(0, 40), *part = plain_make(25, 10), *later = plain_make(0, 40);
    ck_ok(masking_make(&w, 5, 0.15, &k));
    mask_tokens(&k, 3, &all->b, all->out, all->positions, all->targets);
    mask_tokens(&k, 3, &part->b, part->out, part->positions, part->targets);
    mask_tokens(&k, 4, &later->b, later->out, later->positions, later->targets);
    ck_assert(memcmp(all->out + 25 * LENGTH, part->out, 10 * LENGTH * sizeof *part->out) == 0);
    ck_assert(memcmp(all->out, later->out, sizeof all->out) != 0);
    free(all);
    free(part);
    free(later);
}
END_TEST

START_TEST(mask_needs_a_mask_piece) {
    tokenizer w = toy_vocabulary();
    masking k;
    w.mask = -1;
    ck_assert_int_eq(masking_make(&w, 5, 0.15, &k), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "toy vocabulary: no [MASK]"));
}
END_TEST

int main(void) {
    Suite *s = suite_create("train");
    TCase *t = tcase_create("train");
    tcase_add_test(t, divergence_needs_a_sustained_loss);
    tcase_add_test(t, divergence_sees_a_swinging_loss);
    tcase_add_test(t, divergence_sees_what_is_not_finite);
    tcase_add_test(t, classifier_learns_a_separable_task);
    tcase_add_test(t, classifier_is_a_function_of_its_seed);
    tcase_add_test(t, classifier_records_divergence);
    tcase_add_test(t, classifier_is_a_plain_loop);
    tcase_add_test(t, early_stopping_ends_with_the_best_weights);
    tcase_add_test(t, divergence_is_seen_in_the_heldout_loss);
    tcase_add_test(t, classifier_refuses_bad_data);
    tcase_add_test(t, mask_follows_80_10_10);
    tcase_add_test(t, mask_depends_on_sequence_and_epoch_only);
    tcase_add_test(t, mask_needs_a_mask_piece);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
