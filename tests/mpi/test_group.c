/* one variant on a group of ranks: the bytes of one rank alone, interrupted or not. */
#include "mpi/agree.h"
#include "toy.h"
#include "train/checkpoint.h"
#include "train/train.h"

static par *world;

/* 61 examples: steps whose last is short, micro-batches smaller than their shards */
enum { EXAMPLES = 61, HELDOUT = 23, KINDS = 5 };

static finetune_options kind(int i) {
    finetune_options o = toy_finetune();
    o.learning_rate = 3e-3;
    o.epochs = 2;
    o.batch = 16;
    o.seed = 7;
    if (i == 1) {
        o.batch = 5;
        o.accumulate = 3;
        o.shards = 3;
        o.layer_decay = 0.8;
        strcpy(o.optimiser, "adam");
    } else if (i == 2) {
        o.adversarial_steps = 3;
        o.adversarial_rate = 0.1;
        o.adversarial_bound = 0.15;
        o.batch = 10;
        o.learning_rate = 0.05;
        strcpy(o.optimiser, "sgd");
    } else if (i == 3) {
        o.epochs = 12;
        o.early_stop = 2;
        o.evaluate_every = 3;
        o.learning_rate = 2e-2;
        o.label_smoothing = 0.1;
        strcpy(o.schedule, "cosine");
    } else if (i == 4) {
        o.shards = 7;
        o.clip = 0.0;
        o.momentum = 0.0;
        o.learning_rate = 0.05;
        strcpy(o.schedule, "constant");
        strcpy(o.optimiser, "sgd");
    }
    return o;
}

static int same_result(train_result a, train_result b) {
    return a.diverged == b.diverged && a.steps == b.steps && a.tokens == b.tokens &&
           a.first_loss == b.first_loss && a.last_loss == b.last_loss &&
           a.stopped_early == b.stopped_early && a.evaluations == b.evaluations &&
           a.best_step == b.best_step &&
           memcmp(&a.best_loss, &b.best_loss, sizeof a.best_loss) == 0;
}

START_TEST(a_group_is_one_rank) {
    const par alone = par_alone();
    examples x = toy_examples(EXAMPLES, 1), held = toy_examples(HELDOUT, 2);
    encoder *m = toy_encoder(2, 0, 3), *one = toy_encoder(2, 0, 3);
    finetune_options o = kind(_i);
    train_result a, b;
    ck_all_ok(world, train_classifier(&alone, one, &o, &x, &held, NULL, NULL, &a));
    ck_all_ok(world, train_classifier(world, m, &o, &x, &held, NULL, NULL, &b));
    ck_all(world, !a.diverged && a.steps > 0 && same_result(a, b));
    ck_all(world, _i != 3 || (a.evaluations >= 3 && a.best_step > 0));
    ck_all(world, toy_same(m, one));
    encoder_destroy(&m);
    encoder_destroy(&one);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

/* zeros of the prunable weights that m has where `start` has them; *moved: other weights that do
 * not have the start's value any more */
static int zeros_kept(const encoder *m, const encoder *start, int *zeros, int *moved) {
    int kept = 1;
    *zeros = *moved = 0;
    for (int l = 0; l < m->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view a = encoder_linear(start, l, k), b = encoder_linear(m, l, k);
            for (int i = 0; i < a.out * a.in; i++) {
                static const float zero = 0.0f;
                int removed = a.w[i] == 0.0f;
                *zeros += removed;
                kept &= !removed || memcmp(&b.w[i], &zero, sizeof zero) == 0;
                *moved += !removed && a.w[i] != b.w[i];
            }
        }
    return kept;
}

START_TEST(masks_are_kept) {
    const par alone = par_alone();
    examples x = toy_examples(EXAMPLES, 1), held = toy_examples(HELDOUT, 2);
    encoder *start = toy_encoder(2, 0, 3), *m, *one, *other;
    for (int l = 0; l < start->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(start, l, k);
            for (int i = 0; i < v.out * v.in; i++)
                v.w[i] = i % 3 ? 0.0f : v.w[i];
        }
    ck_all_ok(world, encoder_copy(start, &m));
    ck_all_ok(world, encoder_copy(start, &one));
    ck_all_ok(world, encoder_copy(start, &other));
    finetune_options o = kind(_i);
    train_result r;
    int zeros, moved;
    o.keep_mask = 1;
    ck_all_ok(world, train_classifier(&alone, one, &o, &x, &held, NULL, NULL, &r));
    ck_all_ok(world, train_classifier(world, m, &o, &x, &held, NULL, NULL, &r));
    ck_all(world, toy_same(m, one) && !r.diverged);
    ck_all(world, zeros_kept(m, start, &zeros, &moved));
    ck_all(world, zeros > 1000 && moved > 500);
    o.keep_mask = 0;
    ck_all_ok(world, train_classifier(world, other, &o, &x, &held, NULL, NULL, &r));
    ck_all(world, !zeros_kept(other, start, &zeros, &moved));
    encoder_destroy(&start);
    encoder_destroy(&m);
    encoder_destroy(&one);
    encoder_destroy(&other);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

START_TEST(a_group_goes_on_where_it_was) {
    const par alone = par_alone();
    examples x = toy_examples(EXAMPLES, 1), held = toy_examples(HELDOUT, 2);
    encoder *one = toy_encoder(2, 0, 3), *m;
    finetune_options o = kind(_i);
    train_result a, b;
    char dir[4096], path[4096];
    agree_folder(world, dir);
    ck_ok(path_join(path, dir, "state"));
    train_place place = {.checkpoint = path, .every = 2};
    ck_all_ok(world, train_classifier(&alone, one, &o, &x, &held, NULL, NULL, &a));
    for (int64_t at = 1; at < 6; at += 2) {
        place.interrupt_at = at;
        m = toy_encoder(2, 0, 3);
        ck_all(world, train_classifier(world, m, &o, &x, &held, &place, NULL, &b) == ERR_STOPPED);
        encoder_destroy(&m);
    }
    m = toy_encoder(2, 0, 3);
    ck_all_ok(world, train_classifier(world, m, &o, &x, &held, &place, NULL, &b));
    ck_all(world, same_result(a, b) && b.restarts == 3);
    ck_all(world, toy_same(m, one));
    encoder_destroy(&m);
    encoder_destroy(&one);
    agree_remove(world, dir);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

/* a run of many ranks is taken up by one, and the reverse */
START_TEST(a_checkpoint_is_of_no_number_of_ranks) {
    const par alone = par_alone();
    examples x = toy_examples(EXAMPLES, 1), held = toy_examples(HELDOUT, 2);
    encoder *one = toy_encoder(2, 0, 3), *m;
    finetune_options o = kind(3);
    train_result a, b;
    char dir[4096], path[4096];
    agree_folder(world, dir);
    ck_ok(path_join(path, dir, "state"));
    train_place place = {.checkpoint = path, .interrupt_at = 5};
    ck_all_ok(world, train_classifier(&alone, one, &o, &x, &held, NULL, NULL, &a));
    m = toy_encoder(2, 0, 3);
    ck_all(world, train_classifier(world, m, &o, &x, &held, &place, NULL, &b) == ERR_STOPPED);
    encoder_destroy(&m);
    m = toy_encoder(2, 0, 3);
    place.interrupt_at = 7;
    err e = ERR_STOPPED;
    if (world->rank == 0)
        e = train_classifier(&alone, m, &o, &x, &held, &place, NULL, &b);
    ck_all(world, e == ERR_STOPPED);
    encoder_destroy(&m);
    m = toy_encoder(2, 0, 3);
    ck_all_ok(world, train_classifier(world, m, &o, &x, &held, &place, NULL, &b));
    ck_all(world, same_result(a, b) && toy_same(m, one));
    encoder_destroy(&m);
    encoder_destroy(&one);
    agree_remove(world, dir);
    examples_free(&x);
    examples_free(&held);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("group");
    tcase_add_loop_test(t, a_group_is_one_rank, 0, KINDS);
    tcase_add_loop_test(t, masks_are_kept, 0, KINDS);
    tcase_add_loop_test(t, a_group_goes_on_where_it_was, 0, KINDS);
    tcase_add_test(t, a_checkpoint_is_of_no_number_of_ranks);
    return agree_run("group", t, &world);
}
