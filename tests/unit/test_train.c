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
    tcase_set_timeout(t, 60);
    tcase_add_test(t, divergence_needs_a_sustained_loss);
    tcase_add_test(t, divergence_sees_a_swinging_loss);
    tcase_add_test(t, divergence_sees_what_is_not_finite);
    tcase_add_test(t, classifier_learns_a_separable_task);
    tcase_add_test(t, classifier_is_a_function_of_its_seed);
    tcase_add_test(t, classifier_records_divergence);
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
