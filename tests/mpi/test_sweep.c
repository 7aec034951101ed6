/* the sweep: every variant once, the same on any number of ranks, whatever interrupted it before.
 */
#include "mpi/agree.h"
#include "sweep/sweep.h"
#include "toy.h"

#include <math.h>

enum { N = 4 };

static par *world;

static finetune_options options(int64_t epochs, double learning_rate) {
    finetune_options o = toy_finetune();
    o.learning_rate = learning_rate;
    o.epochs = epochs;
    o.batch = 16;
    o.seed = 7;
    return o;
}

/* a study in a folder of its own */
typedef struct garden {
    char dir[4096], journal[4096], models[4096], start[4096], vocab[4096];
    examples train, heldout;
    variant v[N];
    char label[2][32];
    sweep s;
    sweep_result r[N];
} garden;

static garden *garden_open(void) {
    garden *g = calloc(1, sizeof *g);
    ck_all(world, g != NULL);
    agree_folder(world, g->dir);
    ck_ok(path_join(g->journal, g->dir, "journal"));
    ck_ok(path_join(g->models, g->dir, "models"));
    ck_ok(path_join(g->start, g->dir, "start"));
    ck_ok(path_join(g->vocab, g->dir, "pieces.txt"));
    g->train = toy_examples(120, 1);
    g->heldout = toy_examples(70, 2);
    g->v[0] = (variant){.name = "a", .o = options(1, 2e-2)};
    g->v[1] = (variant){.name = "b", .o = options(4, 2e-2)};
    g->v[2] = (variant){.name = "wild", .o = options(3, 1000)};
    g->v[3] = (variant){.name = "scratch", .o = options(2, 2e-2)};
    strcpy(g->v[3].o.init, "random");
    strcpy(g->label[0], "negative");
    strcpy(g->label[1], "positive");
    g->s = (sweep){.p = world,
                   .journal_dir = g->journal,
                   .models_dir = g->models,
                   .vocab = g->vocab,
                   .start_dir = g->start,
                   .shape = toy_config(2, 0),
                   .seed = 11,
                   .variants = g->v,
                   .n = N,
                   .train = &g->train,
                   .heldout = &g->heldout,
                   .K = 2,
                   .label = g->label};
    err e = OK;
    if (world->rank == 0) {
        encoder *m = toy_encoder(0, 1, 3);
        e = dir_make(g->journal);
        if (e == OK)
            e = atomic_write(g->vocab, "[PAD]\n[UNK]\n", 12);
        if (e == OK)
            e = encoder_save(m, g->start, NULL);
        encoder_destroy(&m);
    }
    ck_all_ok(world, e);
    return g;
}

static void garden_close(garden *g) {
    agree_remove(world, g->dir);
    examples_free(&g->train);
    examples_free(&g->heldout);
    free(g);
}

static int published(const garden *g, const char *name) {
    char path[4096];
    return path_join(path, g->models, name) == OK && path_exists(path);
}

/* What variant i must be: trained here, alone, from what the header promises. */
static encoder *expected(const garden *g, int i, train_result *r) {
    const par alone = par_alone();
    encoder *m;
    if (i == 3) {
        m = toy_encoder(2, 0, 11);
    } else {
        /* the classifier is the study's: all variants share it */
        encoder_want want = {.classes = 2, .mlm = 0, .seed = 11};
        ck_ok(encoder_load(g->start, want, &m));
    }
    ck_ok(train_classifier(&alone, m, &g->v[i].o, &g->train, &g->heldout, NULL, NULL, r));
    return m;
}

/* Variant i's folder and result are what they must be. */
static int as_expected(const garden *g, int i) {
    char path[4096];
    train_result t;
    accuracy a;
    encoder *m = expected(g, i, &t), *there;
    int good = published(g, g->v[i].name);
    const sweep_result *r = &g->r[i];
    if (good) {
        ck_ok(path_join(path, g->models, g->v[i].name));
        ck_ok(encoder_load(path, (encoder_want){.classes = -1, .mlm = -1}, &there));
        good &= toy_same(m, there) && strcmp(there->c.label[1], "positive") == 0;
        ck_ok(accuracy_local(m, &g->heldout, &a));
        good &= a.n == r->heldout.n && a.correct == r->heldout.correct && a.loss == r->heldout.loss;
        encoder_destroy(&there);
    }
    good &= !r->train.diverged && r->train.steps == t.steps && r->train.tokens == t.tokens &&
            r->train.first_loss == t.first_loss && r->train.last_loss == t.last_loss;
    encoder_destroy(&m);
    return good;
}

static int trained_now(const garden *g) {
    int n = 0;
    for (int i = 0; i < N; i++) {
        ck_assert((g->r[i].rank >= 0) == (g->r[i].seconds > 0));
        n += g->r[i].rank >= 0;
    }
    return n;
}

START_TEST(every_variant_once) {
    garden *g = garden_open();
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == N);
    ck_all(world, as_expected(g, 0) && as_expected(g, 1) && as_expected(g, 3));
    /* the one that diverged is recorded, publishes nothing, and stopped nobody */
    ck_all(world, g->r[2].train.diverged && g->r[2].train.steps < 24);
    ck_all(world, g->r[2].heldout.n == 0 && !published(g, "wild"));
    ck_all(world, g->r[1].heldout.correct > 60); /* of 70 */

    sweep_result first[N];
    memcpy(first, g->r, sizeof first);
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == 0);
    int same = 1;
    for (int i = 0; i < N; i++)
        same &= g->r[i].heldout.correct == first[i].heldout.correct &&
                g->r[i].train.diverged == first[i].train.diverged &&
                g->r[i].train.tokens == first[i].train.tokens;
    ck_all(world, same);
    garden_close(g);
}
END_TEST

START_TEST(a_failure_costs_only_what_was_not_done) {
    garden *g = garden_open();
    char block[4096];
    ck_ok(path_join(block, g->models, ".a.tmp")); /* a file where a folder must be */
    ck_all_ok(world, world->rank == 0 ? dir_make(g->models) : OK);
    ck_all_ok(world, world->rank == 0 ? atomic_write(block, "x", 1) : OK);
    ck_all(world, sweep_run(&g->s, g->r, NULL) == ERR_IO);
    ck_all(world, strstr(err_message(), "variant a") != NULL);
    ck_all(world, !published(g, "a"));
    /* "a" has one epoch and is handed out last: on one rank all others were done */
    ck_all(world, world->size > 1 || published(g, "scratch"));
    agree_remove(world, block);
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, world->size > 1 ? trained_now(g) >= 1 : trained_now(g) == 1);
    ck_all(world, as_expected(g, 0) && as_expected(g, 1) && as_expected(g, 3));
    ck_all(world, g->r[2].train.diverged);
    garden_close(g);
}
END_TEST

/* what a kill may leave: a half-written temporary folder, a model without a record */
START_TEST(leftovers_of_a_kill_are_replaced) {
    garden *g = garden_open();
    err e = OK;
    if (world->rank == 0) {
        char path[4096];
        static const char *LEFT[] = {"models/.b.tmp", "models/b"};
        for (int i = 0; i < 2 && e == OK; i++) {
            e = path_join(path, g->dir, LEFT[i]);
            if (e == OK)
                e = dir_make(path);
            strncat(path, "/config.json", sizeof path - strlen(path) - 1);
            if (e == OK)
                e = atomic_write(path, "{", 1);
        }
    }
    ck_all_ok(world, e);
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, as_expected(g, 1) && !published(g, ".b.tmp"));
    garden_close(g);
}
END_TEST

START_TEST(a_lost_model_is_made_again) {
    garden *g = garden_open();
    char lost[4096];
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_ok(path_join(lost, g->models, "b"));
    agree_remove(world, lost);
    ck_all(world, !published(g, "b"));
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == 1 && g->r[1].rank >= 0);
    ck_all(world, as_expected(g, 1));
    /* on other data it would be another model: refused, and not published */
    agree_remove(world, lost);
    g->train.label[0] ^= 1;
    ck_all(world, sweep_run(&g->s, g->r, NULL) == ERR_DATA);
    ck_all(world, strstr(err_message(), "variant b: its model was lost") != NULL);
    ck_all(world, !published(g, "b"));
    garden_close(g);
}
END_TEST

/* the longest variant cannot be published: it stops the first start, but not the second */
START_TEST(what_failed_once_comes_last) {
    garden *g = garden_open();
    char block[4096];
    ck_ok(path_join(block, g->models, ".b.tmp"));
    ck_all_ok(world, world->rank == 0 ? dir_make(g->models) : OK);
    ck_all_ok(world, world->rank == 0 ? atomic_write(block, "x", 1) : OK);
    ck_all(world, sweep_run(&g->s, g->r, NULL) == ERR_IO);
    ck_all(world, world->size > 1 || !published(g, "a"));
    ck_all(world, sweep_run(&g->s, g->r, NULL) == ERR_IO);
    ck_all(world, strstr(err_message(), "variant b") != NULL);
    ck_all(world, published(g, "a") && published(g, "scratch") && !published(g, "b"));
    agree_remove(world, block);
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == 1 && as_expected(g, 1));
    garden_close(g);
}
END_TEST

/* groups of several sizes, also larger than the world: the models are what one rank makes */
START_TEST(groups_make_the_same_models) {
    garden *g = garden_open();
    sweep_usage used;
    for (int i = 0; i < N; i++)
        g->v[i].o.ranks_per_variant = (i + _i) % N + 1;
    ck_all_ok(world, sweep_run(&g->s, g->r, &used));
    ck_all(world, as_expected(g, 0) && as_expected(g, 1) && as_expected(g, 3));
    ck_all(world, g->r[2].train.diverged);
    int sizes = 1;
    for (int i = 0; i < N; i++) {
        int64_t want = g->v[i].o.ranks_per_variant;
        sizes &= g->r[i].ranks >= 1 && g->r[i].ranks <= want && g->r[i].ranks <= world->size;
        sizes &= want < world->size || g->r[i].ranks == world->size;
    }
    ck_all(world, sizes);
    ck_all(world, used.training > 0 && used.other > 0);
    /* what is counted is counted once: microseconds may be cut off, never added */
    ck_all(world, used.training + used.other <= used.available);
    /* a start that finds all done adds nothing */
    sweep_usage again;
    ck_all_ok(world, sweep_run(&g->s, g->r, &again));
    ck_all(world, again.training == used.training && again.available == used.available);
    garden_close(g);
}
END_TEST

/* a threshold between two variants: one is given up after its first epoch, the other is what it is
 * without one; the same on any number of ranks and when it is asked for again */
START_TEST(hopeless_variants_are_given_up) {
    garden *g = garden_open();
    char checkpoints[4096];
    ck_ok(path_join(checkpoints, g->dir, "checkpoints"));
    g->s.checkpoints_dir = checkpoints;
    g->v[0].o.epochs = 2;
    g->v[0].o.learning_rate = 1e-7; /* learns nothing */
    for (int i = 0; i < N; i++)
        g->v[i].o.give_up_margin = 0.1;
    g->v[1].o.batch = 4;  /* 30 steps in its first epoch are enough */
    g->v[3].o.epochs = 1; /* never looked at: its first epoch is its last */
    for (int turn = 0; turn < 2; turn++) {
        ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
        ck_all(world, g->r[0].given_up && g->r[0].train.diverged && !published(g, "a"));
        ck_all(world, g->r[0].train.steps == 8 && g->r[0].heldout.n == 70);
        ck_all(world, g->r[0].heldout.correct < 50 && isnan(g->r[0].train.last_loss));
        ck_all(world, !g->r[1].given_up && as_expected(g, 1));
        ck_all(world, !g->r[3].given_up && as_expected(g, 3));
        ck_all(world, trained_now(g) == (turn ? 0 : N) && !path_exists(checkpoints));
    }
    garden_close(g);
}
END_TEST

/* a checkpoint is kept once so many seconds have passed, and never without */
START_TEST(checkpoints_by_the_clock) {
    static const double seconds[] = {1e-9, 0, 1e6};
    garden *g = garden_open();
    char file[4096];
    ck_ok(path_join(file, g->dir, "clock.checkpoint"));
    train_place place = {.checkpoint = file, .seconds = seconds[_i]};
    train_result r;
    encoder *m = toy_encoder(2, 0, 11);
    ck_all_ok(world, train_classifier(world, m, &g->v[0].o, &g->train, NULL, &place, NULL, &r));
    ck_all(world, path_exists(file) == (_i == 0));
    encoder_destroy(&m);
    garden_close(g);
}
END_TEST

START_TEST(a_variant_more_is_trained_alone) {
    garden *g = garden_open();
    variant given[N];
    memcpy(given, g->v, sizeof given);
    g->s.n = 3;
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    /* one more, and all in another order */
    for (int i = 0; i < N; i++)
        g->v[i] = given[N - 1 - i];
    g->s.n = N;
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == 1 && g->r[0].rank >= 0 && g->r[1].train.diverged);
    memcpy(g->v, given, sizeof given);
    ck_all_ok(world, sweep_run(&g->s, g->r, NULL));
    ck_all(world, trained_now(g) == 0);
    ck_all(world, as_expected(g, 0) && as_expected(g, 1) && as_expected(g, 3));
    /* the name of one with the options of another */
    g->v[0].o.epochs = 2;
    ck_all(world, sweep_run(&g->s, g->r, NULL) == ERR_DATA);
    ck_all(world, strstr(err_message(), "variant a: was trained with other options") != NULL);
    garden_close(g);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("sweep");
    tcase_add_test(t, every_variant_once);
    tcase_add_test(t, a_failure_costs_only_what_was_not_done);
    tcase_add_test(t, leftovers_of_a_kill_are_replaced);
    tcase_add_test(t, a_lost_model_is_made_again);
    tcase_add_test(t, what_failed_once_comes_last);
    tcase_add_loop_test(t, groups_make_the_same_models, 0, 2);
    tcase_add_test(t, hopeless_variants_are_given_up);
    tcase_add_loop_test(t, checkpoints_by_the_clock, 0, 3);
    tcase_add_test(t, a_variant_more_is_trained_alone);
    return agree_run("sweep", t, &world);
}
