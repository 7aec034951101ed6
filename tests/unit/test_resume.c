/* fine-tuning that is interrupted, by request, by a signal at any instant, by damage to its files:
 * the bytes of one that never was. */
#include "base/clock.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "par/preempt.h"
#include "toy.h"
#include "train/checkpoint.h"
#include "train/train.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const par alone = {.size = 1};

enum { EXAMPLES = 90, HELDOUT = 20, KINDS = 4, TRIES = 10 };

typedef struct scene {
    char dir[64], path[128];
    examples x, held;
    finetune_options o;
    train_place place; /* its path: where `kept` is set */
    int kept;
    encoder *want; /* never interrupted */
    train_result result;
} scene;

static err train(const scene *s, encoder **m, train_result *r) {
    train_place place = s->place;
    place.checkpoint = s->kept ? s->path : NULL;
    *m = toy_encoder(2, 0, 3);
    return train_classifier(&alone, *m, &s->o, &s->x, &s->held, &place, NULL, r);
}

/* The error of a run that is to fail. */
static err train_in_vain(const scene *s) {
    encoder *m;
    train_result r;
    err e = train(s, &m, &r);
    encoder_destroy(&m);
    return e;
}

static scene scene_open(int kind) {
    scene s = {.x = toy_examples(EXAMPLES, 1), .held = toy_examples(HELDOUT, 2)};
    /* in memory, where there is such a folder: every checkpoint is synced to disk */
    strcpy(s.dir, path_exists("/dev/shm") ? "/dev/shm/espalier-resume-XXXXXX"
                                          : "/tmp/espalier-resume-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s.dir));
    snprintf(s.path, sizeof s.path, "%s/state", s.dir);
    s.o = toy_finetune();
    s.o.learning_rate = 1e-2;
    s.o.epochs = 4;
    s.o.batch = 10;
    s.o.seed = 7;
    if (kind == 1) { /* steps of three micro-batches */
        s.o.batch = 4;
        s.o.accumulate = 3;
        strcpy(s.o.optimiser, "adam");
    } else if (kind == 2) { /* FreeLB, SGD */
        s.o.adversarial_steps = 2;
        s.o.learning_rate = 0.1;
        strcpy(s.o.optimiser, "sgd");
    } else if (kind == 3) {
        s.o.early_stop = 2;
        s.o.evaluate_every = 5;
        s.o.learning_rate = 3e-2;
        s.o.epochs = 20;
    }
    ck_ok(train(&s, &s.want, &s.result));
    ck_assert(!s.result.diverged);
    ck_assert_int_eq(s.result.stopped_early, kind == 3);
    s.kept = 1;
    s.place.every = 4;
    return s;
}

static void scene_close(scene *s) {
    ck_ok(checkpoint_remove(s->path));
    ck_assert_msg(rmdir(s->dir) == 0, "%s: something is left in it", s->dir);
    encoder_destroy(&s->want);
    examples_free(&s->x);
    examples_free(&s->held);
}

/* The run ends as if it had never been interrupted. */
static train_result check_end(scene *s) {
    encoder *m;
    train_result r, w = s->result;
    s->place.interrupt_at = 0;
    ck_ok(train(s, &m, &r));
    ck_assert(toy_same(m, s->want));
    ck_assert(r.steps == w.steps && r.tokens == w.tokens && r.evaluations == w.evaluations);
    ck_assert(r.first_loss == w.first_loss && r.last_loss == w.last_loss);
    ck_assert(r.stopped_early == w.stopped_early && r.best_step == w.best_step);
    ck_assert(memcmp(&r.best_loss, &w.best_loss, sizeof r.best_loss) == 0);
    encoder_destroy(&m);
    return r;
}

START_TEST(stopped_at_random_steps) {
    scene s = scene_open(_i);
    rng_stream r = rng_open(5, RNG_TEST, (uint32_t)_i, 0);
    for (int k = 0; k < TRIES; k++) {
        int64_t at = 1 + (int64_t)rng_below(&r, (uint32_t)s.result.steps - 1);
        s.place.interrupt_at = at;
        ck_assert_int_eq(train_in_vain(&s), ERR_STOPPED);
        train_result end = check_end(&s);
        ck_assert_int_eq(end.restarts, 1);
        ck_ok(checkpoint_remove(s.path));
    }
    scene_close(&s);
}
END_TEST

START_TEST(stopped_at_every_step) {
    scene s = scene_open(_i);
    for (int64_t at = 1; at < s.result.steps; at++) {
        s.place.interrupt_at = at;
        ck_assert_int_eq(train_in_vain(&s), ERR_STOPPED);
    }
    train_result end = check_end(&s);
    ck_assert_int_eq(end.restarts, s.result.steps - 1);
    scene_close(&s);
}
END_TEST

/* what a kill left half written, which the holder of a study's folder sweeps away */
static void unlink_temporary(const scene *s) {
    ck_ok(dir_sweep(s->dir));
}

/* A child that takes the checkpoint up and is asked to stop in its first step. */
static void die_at_once(const scene *s) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        preempt_install();
        raise(SIGUSR1);
        _exit((int)train_in_vain(s));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == ERR_STOPPED);
}

/* A child that gets a signal after some time: within a step, an accumulation, an ascent, the
 * writing of a checkpoint; or after its end. */
static void signal_child(scene *s, useconds_t microseconds, int number) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        preempt_install();
        _exit((int)train_in_vain(s));
    }
    int status;
    usleep(microseconds);
    kill(child, number);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        ck_assert(WEXITSTATUS(status) == OK || WEXITSTATUS(status) == ERR_STOPPED);
    else
        ck_assert_int_eq(WTERMSIG(status), number);
}

START_TEST(signalled_at_any_instant) {
    scene s = scene_open(_i);
    encoder *m;
    train_result got;
    rng_stream r = rng_open(6, RNG_TEST, (uint32_t)_i, 0);
    double began = clock_now();
    s.kept = 0;
    ck_ok(train(&s, &m, &got));
    encoder_destroy(&m);
    s.kept = 1;
    s.place.every = 1;
    uint32_t length = 100 + (uint32_t)(1e6 * fmin(clock_now() - began, 1.0));
    for (int k = 0; k < TRIES; k++) {
        signal_child(&s, rng_below(&r, 3 * length), k % 2 ? SIGKILL : SIGUSR1);
        check_end(&s);
        ck_ok(checkpoint_remove(s.path));
        unlink_temporary(&s);
    }
    scene_close(&s);
}
END_TEST

/* --- damaged, foreign and hopeless checkpoints -------------------------------------------------
 */

/* interrupted at step 10, with checkpoints after 8 and 10 */
static scene scene_interrupted(void) {
    scene s = scene_open(3);
    s.place.interrupt_at = 10;
    ck_assert_int_eq(train_in_vain(&s), ERR_STOPPED);
    return s;
}

static void damage(const char *path, off_t keep, off_t flip) {
    int fd = open(path, O_RDWR);
    char byte;
    ck_assert_int_ge(fd, 0);
    if (keep >= 0)
        ck_assert_int_eq(ftruncate(fd, keep), 0);
    if (flip >= 0) {
        ck_assert_int_eq(pread(fd, &byte, 1, flip), 1);
        byte ^= 4;
        ck_assert_int_eq(pwrite(fd, &byte, 1, flip), 1);
    }
    close(fd);
}

static off_t size_of(const char *path) {
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/* truncated anywhere, one bit turned anywhere, gone */
START_TEST(a_damaged_checkpoint_gives_way_to_the_older) {
    for (int how = 0; how < 12; how++) {
        scene s = scene_interrupted();
        off_t n = size_of(s.path);
        if (how < 4)
            damage(s.path, n * how / 4, -1);
        else if (how < 11)
            damage(s.path, -1, how == 10 ? n - 1 : (how - 4) * n / 7);
        else
            ck_assert_int_eq(unlink(s.path), 0);
        train_result end = check_end(&s);
        ck_assert_int_eq(end.fallen_back, how < 11);
        ck_assert_int_eq(end.restarts, 1);
        scene_close(&s);
    }
}
END_TEST

START_TEST(two_damaged_checkpoints_are_refused) {
    scene s = scene_interrupted();
    char older[160];
    snprintf(older, sizeof older, "%s.1", s.path);
    damage(s.path, 100, -1);
    damage(older, -1, size_of(older) / 2);
    ck_assert_int_eq(train_in_vain(&s), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "no checkpoint is whole"));
    ck_assert_int_eq(unlink(older), 0);
    ck_assert_int_eq(train_in_vain(&s), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "no older checkpoint"));
    ck_assert(path_exists(s.path)); /* nothing that was there is touched */
    scene_close(&s);
}
END_TEST

START_TEST(a_checkpoint_of_another_run_is_refused) {
    scene s = scene_interrupted();
    s.o.momentum = 0.8;
    ck_assert_int_eq(train_in_vain(&s), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "another run"));
    s.o.momentum = 0.9;
    s.held.label[3] = 1 - s.held.label[3]; /* early stopping looks at it */
    ck_assert_int_eq(train_in_vain(&s), ERR_DATA);
    s.held.label[3] = 1 - s.held.label[3];
    s.x.ids[20] = s.x.ids[20] == 9 ? 10 : 9;
    ck_assert_int_eq(train_in_vain(&s), ERR_DATA);
    scene_close(&s);
}
END_TEST

/* what changes no byte may differ */
START_TEST(ranks_and_intervals_may_change) {
    scene s = scene_interrupted();
    s.o.ranks_per_variant = 4;
    s.o.checkpoint_every = 1;
    s.place.every = 0;
    train_result end = check_end(&s);
    ck_assert_int_eq(end.restarts, 1);
    scene_close(&s);
}
END_TEST

/* three restarts at one step are borne, a fourth is not; progress forgives */
START_TEST(restarts_without_progress_fail) {
    scene s = scene_interrupted();
    s.place.every = 0;
    for (int k = 0; k < CHECKPOINT_RESTARTS; k++)
        die_at_once(&s);
    ck_assert_int_eq(train_in_vain(&s), ERR_FAILED);
    ck_assert_ptr_nonnull(strstr(err_message(), "restarted 3 times at step 10"));
    ck_ok(checkpoint_remove(s.path));
    s.place.interrupt_at = 3;
    ck_assert_int_eq(train_in_vain(&s), ERR_STOPPED);
    for (int k = 0; k < 5; k++) {
        die_at_once(&s);
        die_at_once(&s);
        s.place.interrupt_at++;
        ck_assert_int_eq(train_in_vain(&s), ERR_STOPPED);
    }
    check_end(&s);
    scene_close(&s);
}
END_TEST

int main(void) {
    log_open(1, LOG_QUIET); /* the warnings are what is to come */
    Suite *s = suite_create("resume");
    TCase *t = tcase_create("resume");
    tcase_add_loop_test(t, stopped_at_random_steps, 0, KINDS);
    tcase_add_loop_test(t, stopped_at_every_step, 0, KINDS);
    tcase_add_loop_test(t, signalled_at_any_instant, 0, KINDS);
    tcase_add_test(t, a_damaged_checkpoint_gives_way_to_the_older);
    tcase_add_test(t, two_damaged_checkpoints_are_refused);
    tcase_add_test(t, a_checkpoint_of_another_run_is_refused);
    tcase_add_test(t, ranks_and_intervals_may_change);
    tcase_add_test(t, restarts_without_progress_fail);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
