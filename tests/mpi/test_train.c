/* the masked-language objective and pre-training: the same bytes on any number of ranks, after a
 * restart too. */
#include "base/arena.h"
#include "mpi/agree.h"
#include "par/preempt.h"
#include "toy.h"
#include "train/checkpoint.h"
#include "train/mlm.h"
#include "train/optimiser.h"
#include "train/reduce.h"
#include "train/train.h"

#include <math.h>
#include <signal.h>

static par *world;
static const par self = {.size = 1}; /* par_alone() */

enum { SHARDS = 4 };

static const pretrain_options OPTIONS = {.epochs = 16,
                                         .shards = SHARDS,
                                         .batch = 16,
                                         .max_length = 12,
                                         .learning_rate = 6e-3,
                                         .warmup = 0.1,
                                         .weight_decay = 0.01,
                                         .clip = 1.0,
                                         .dropout = 0.1,
                                         .mask = 0.15};

static double distance(const float *a, const float *b, size_t n) {
    double d = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        d += pow((double)a[i] - (double)b[i], 2);
        norm += pow((double)b[i], 2);
    }
    return sqrt(d / norm);
}

/* The gradient of a batch in one piece, on this rank alone. */
static double whole_batch(const encoder *m, const examples *x, const masking *k,
                          const int32_t *rows, int B, uint32_t epoch, const dropout *drop,
                          float *grads, int *masked) {
    encoder_ws *ws;
    packer *pack;
    batch b;
    double loss;
    int32_t ids[64 * 12], positions[64 * 12], targets[64 * 12];
    ck_ok(encoder_ws_create(&m->c, &ws));
    ck_ok(packer_create(x, B, &pack));
    ck_ok(packer_pack(pack, rows, B, &b));
    *masked = mask_tokens(k, epoch, &b, ids, positions, targets);
    b.ids = ids;
    memset(grads, 0, m->n * sizeof *grads);
    ck_ok(encoder_mlm_step(ws, m, &b, positions, targets, *masked, drop, 1.0f, grads, &loss));
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    return loss;
}

/* The summed gradient, all of it on every rank. Collective. */
static err gradient(mlm *t, reducer *r, const encoder *m, const int32_t *rows, int B,
                    uint32_t epoch, const dropout *drop, float *grads, mlm_sum *out) {
    float *sum;
    size_t first, n;
    CALL(mlm_gradient(t, r, m, rows, B, SHARDS, epoch, drop, out));
    CALL(reducer_sum(r, &sum));
    reducer_range(r, &first, &n);
    memcpy(grads + first, sum, n * sizeof *sum);
    return reducer_share(r, grads);
}

START_TEST(shards_add_up_to_the_batch) {
    examples x = toy_examples(64, 1);
    encoder *m = toy_encoder(0, 1, 3);
    tokenizer w = toy_vocabulary();
    float *shared, *alone, *whole;
    masking k;
    mlm *t, *one;
    reducer *r, *s;
    dropout drop = {.seed = 5, .hidden = 0.1f, .attention = 0.1f};
    ck_ok(masking_make(&w, 5, 0.15, &k));
    ck_all_ok(world, mlm_create(world, &m->c, &x, &k, 64, &t));
    ck_all_ok(world, mlm_create(&self, &m->c, &x, &k, 64, &one));
    ck_all_ok(world, reducer_create(world, &m->c, SHARDS, 0, &r));
    ck_all_ok(world, reducer_create(&self, &m->c, SHARDS, 0, &s));
    ck_ok(mem_alloc(m->n, sizeof *shared, &shared));
    ck_ok(mem_alloc(m->n, sizeof *alone, &alone));
    ck_ok(mem_alloc(m->n, sizeof *whole, &whole));
    int32_t rows[64];
    for (int i = 0; i < 64; i++)
        rows[i] = (i * 29) % 64;
    static const int SIZES[] = {1, 2, 3, 5, 64}; /* fewer sequences than shards too */
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        mlm_sum a, b;
        int masked;
        uint32_t epoch = 2;
        drop.epoch = epoch;
        ck_all_ok(world, gradient(t, r, m, rows, SIZES[i], epoch, &drop, shared, &a));
        ck_all_ok(world, gradient(one, s, m, rows, SIZES[i], epoch, &drop, alone, &b));
        ck_all(world, a.masked > 0);
        ck_all(world, memcmp(shared, alone, m->n * sizeof *shared) == 0);
        ck_all(world, memcmp(&a, &b, sizeof a) == 0);
        double loss = whole_batch(m, &x, &k, rows, SIZES[i], epoch, &drop, whole, &masked);
        ck_all(world, a.masked == masked);
        /* float32 sums in another order: a few hundred roundings of 6e-8 */
        ck_all(world, fabs(a.loss - loss) < 2e-5 * loss);
        ck_all(world, distance(shared, whole, m->n) < 2e-5);
    }
    mlm_destroy(&t);
    mlm_destroy(&one);
    reducer_destroy(&r);
    reducer_destroy(&s);
    free(shared);
    free(alone);
    free(whole);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

START_TEST(loss_is_the_same_on_any_ranks) {
    examples x = toy_examples(50, 1);
    encoder *m = toy_encoder(0, 1, 3);
    tokenizer w = toy_vocabulary();
    masking k;
    mlm *t, *one;
    mlm_sum a, b;
    int32_t rows[50];
    for (int i = 0; i < 50; i++)
        rows[i] = i;
    ck_ok(masking_make(&w, 5, 0.15, &k));
    ck_all_ok(world, mlm_create(world, &m->c, &x, &k, 8, &t));
    ck_all_ok(world, mlm_create(&self, &m->c, &x, &k, 8, &one));
    ck_all_ok(world, mlm_loss(t, m, rows, 50, 9, &a));
    ck_all_ok(world, mlm_loss(one, m, rows, 50, 9, &b));
    ck_all(world, memcmp(&a, &b, sizeof a) == 0);
    ck_all(world, a.tokens == x.offset[50] && a.masked > 0);
    ck_all(world, fabs(a.loss / (double)a.masked - log(TOY_V)) < 0.3); /* an untrained guess */
    mlm_destroy(&t);
    mlm_destroy(&one);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

START_TEST(pretraining_learns_and_is_the_same_on_any_ranks) {
    examples x = toy_examples(301, 1);
    tokenizer w = toy_vocabulary();
    encoder *m = toy_encoder(2, 1, 3), *one = toy_encoder(2, 1, 3);
    pretrain_result a, b;
    monitor mon;
    ck_all_ok(world, pretrain(world, m, &OPTIONS, 5, &w, &x, NULL, &mon, &a));
    ck_all_ok(world, pretrain(&self, one, &OPTIONS, 5, &w, &x, NULL, NULL, &b));
    ck_all(world, !a.diverged);
    ck_all(world, a.steps == 16 * 19 && mon.done == a.steps && mon.total == a.steps);
    /* guessing by frequency costs 2.88 nats: less means that the neighbours were used */
    ck_all(world, a.heldout_first > 2.9 && a.heldout_last < 2.7);
    ck_all(world, memcmp(&a, &b, sizeof a) == 0);
    ck_all(world, toy_same(m, one));
    encoder_destroy(&m);
    encoder_destroy(&one);
    examples_free(&x);
}
END_TEST

START_TEST(pretraining_resumes_to_the_same_bytes) {
    examples x = toy_examples(100, 1);
    tokenizer w = toy_vocabulary();
    pretrain_options o = OPTIONS;
    char dir[4096], path[4096];
    encoder *whole = toy_encoder(0, 1, 3), *m = toy_encoder(0, 1, 3);
    pretrain_result want, r;
    o.epochs = 3; /* 18 steps, the last of each 6 with 12 sequences */
    agree_folder(world, dir);
    ck_ok(path_join(path, dir, "state.safetensors"));
    ck_all_ok(world, pretrain(world, whole, &o, 5, &w, &x, NULL, NULL, &want));
    static const int64_t STOPS[] = {1, 5, 6, 7, 17};
    train_place place = {.checkpoint = path, .every = 3};
    for (int i = 0; i < 5; i++) { /* each takes up what the one before left */
        place.interrupt_at = STOPS[i];
        encoder_destroy(&m);
        m = toy_encoder(0, 1, 3);
        ck_all(world, pretrain(world, m, &o, 5, &w, &x, &place, NULL, &r) == ERR_STOPPED);
        ck_all_ok(world, par_barrier(world));
        ck_all(world, path_exists(path));
    }
    encoder_destroy(&m);
    m = toy_encoder(0, 1, 3);
    ck_all_ok(world, pretrain(world, m, &o, 5, &w, &x, &place, NULL, &r));
    ck_all(world, memcmp(&r, &want, sizeof r) == 0);
    ck_all(world, toy_same(m, whole));
    /* what is taken up is the state of this run only */
    o.learning_rate *= 2;
    encoder *other = toy_encoder(0, 1, 3);
    ck_all(world, pretrain(world, other, &o, 5, &w, &x, &place, NULL, &r) == ERR_DATA);
    ck_all(world, strstr(err_message(), "another run") != NULL);
    ck_all_ok(world, world->rank == 0 ? checkpoint_remove(path) : OK);
    ck_all(world, !path_exists(path));
    agree_remove(world, dir);
    encoder_destroy(&m);
    encoder_destroy(&whole);
    encoder_destroy(&other);
    examples_free(&x);
}
END_TEST

START_TEST(pretraining_records_divergence) {
    examples x = toy_examples(100, 1);
    tokenizer w = toy_vocabulary();
    pretrain_options o = OPTIONS;
    encoder *m = toy_encoder(0, 1, 3);
    pretrain_result r;
    o.learning_rate = 1000;
    o.clip = 0;
    ck_all_ok(world, pretrain(world, m, &o, 5, &w, &x, NULL, NULL, &r));
    ck_all(world, r.diverged && r.steps < 40 && isnan(r.heldout_last));
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

/* the last test: a signal cannot be taken back */
START_TEST(pretraining_stops_at_a_checkpoint) {
    examples x = toy_examples(100, 1);
    tokenizer w = toy_vocabulary();
    char dir[4096], path[4096];
    encoder *m = toy_encoder(0, 1, 3);
    pretrain_result r;
    agree_folder(world, dir);
    ck_ok(path_join(path, dir, "state.safetensors"));
    preempt_install();
    if (world->rank == world->size - 1)
        raise(SIGUSR1);
    train_place place = {.checkpoint = path};
    ck_all(world, pretrain(world, m, &OPTIONS, 5, &w, &x, &place, NULL, &r) == ERR_STOPPED);
    ck_all_ok(world, par_barrier(world));
    ck_all(world, path_exists(path));
    agree_remove(world, dir);
    encoder_destroy(&m);
    examples_free(&x);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("train");
    tcase_add_test(t, shards_add_up_to_the_batch);
    tcase_add_test(t, loss_is_the_same_on_any_ranks);
    tcase_add_test(t, pretraining_learns_and_is_the_same_on_any_ranks);
    tcase_add_test(t, pretraining_resumes_to_the_same_bytes);
    tcase_add_test(t, pretraining_records_divergence);
    tcase_add_test(t, pretraining_stops_at_a_checkpoint);
    return agree_run("train", t, &world);
}
