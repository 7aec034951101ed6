/* several prunings in one pass over the blocks: each as it would be alone, whatever goes with it
 * and from whatever block; the states that are kept between stages, against whole blocks */
#include "mpi/agree.h"
#include "mpi/pruned.h"
#include "prune/calibration.h"
#include "prune/finished.h"

static par *world;

static const struct {
    const char *method, *pattern;
    double sparsity, trace;
} cases[] = {
    {"adaptive", NULL, 0.3, 0.0},
    {"adaptive", NULL, 0.875, 0.0},
    {"adaptive", "2:4", 0.5, 0.0},
    {"obc", NULL, 0.5, 0.875},
    {"obc", NULL, 0.0, 0.875},
    {"obc", NULL, 0.875, 0.875},
    {"obc", NULL, 0.3, 0.0},
    {"adaptive@none", NULL, 0.25, 0.875},
    {"obc+refit+swaps", NULL, 0.5, 0.875},
    {"obc", "2:4", 0.5, 0.875},
    {"adaptive@hessian", NULL, 0.5, 0.875},
    {"adaptive@target", NULL, 0.5, 0.875},
    {"sparsegpt@none", NULL, 0.5, 0.0},
    {"wanda@both+refit", NULL, 0.5, 0.0},
    {"magnitude", NULL, 0.5, 0.0},
    {"random", NULL, 0.3, 0.0},
};
enum { CASES = sizeof cases / sizeof *cases };

static prune_job job_of(int i, const encoder *dense, const examples *x, const prune_options *o) {
    return (prune_job){.p = world,
                       .dense = dense,
                       .calibration = x,
                       .method = cases[i].method,
                       .sparsity = cases[i].sparsity,
                       .pattern = cases[i].pattern,
                       .trace = cases[i].trace,
                       .seed = 7,
                       .o = o,
                       .title = "test"};
}

/* jobs first to first + n - 1 in one pass */
static void prune_several(const prune_job *jobs, int n, outcome *out) {
    prune_layer *layers[CASES];
    int rows[CASES];
    encoder *models[CASES];
    for (int i = 0; i < n; i++)
        layers[i] = out[i].rows;
    ck_all_ok(world, prune_models(jobs, n, layers, rows, models));
    for (int i = 0; i < n; i++) {
        out[i].n = rows[i];
        out[i].m = models[i];
    }
}

/* in sets of so many */
static const int sizes[] = {CASES, 5, 2};

START_TEST(as_if_alone) {
    encoder *dense = dense_encoder();
    examples x = toy_examples(SENTENCES, 5);
    prune_options o = options("adaptive", "adaptive");
    prune_job jobs[CASES];
    outcome r[CASES];
    for (int i = 0; i < CASES; i++)
        jobs[i] = job_of(i, dense, &x, &o);
    for (int i = 0; i < CASES; i += sizes[_i])
        prune_several(jobs + i, CASES - i < sizes[_i] ? CASES - i : sizes[_i], r + i);
    for (int i = 0; i < CASES; i++) {
        outcome own = {0};
        ck_all_ok(world, prune_model(&jobs[i], own.rows, &own.n, &own.m));
        ck_all(world, same_outcome(&r[i], &own));
        encoder_destroy(&own.m);
        encoder_destroy(&r[i].m);
    }
    examples_free(&x);
    encoder_destroy(&dense);
}
END_TEST

/* one has no block yet, one has one, one has all */
START_TEST(from_different_blocks) {
    static const int which[] = {0, 3, 14};
    enum { N = 3 };
    char dir[4096], path[N][4200], key[65];
    encoder *dense = dense_encoder();
    examples x = toy_examples(SENTENCES, 5);
    prune_options o = options("adaptive", "adaptive");
    prune_job jobs[N];
    outcome whole[N] = {0}, r[N], again[N];
    agree_folder(world, dir);
    for (int i = 0; i < N; i++) {
        jobs[i] = job_of(which[i], dense, &x, &o);
        ck_all_ok(world, prune_model(&jobs[i], whole[i].rows, &whole[i].n, &whole[i].m));
        snprintf(path[i], sizeof path[i], "%s/%d", dir, i);
        jobs[i].checkpoint = path[i];
        ck_all_ok(world, finished_key(&jobs[i], key));
        if (i > 0)
            ck_all_ok(world, finished_write(&jobs[i], key, whole[i].m, i, whole[i].rows, 6 * i));
    }
    prune_several(jobs, N, r);
    prune_several(jobs, N, again); /* from the checkpoints that this has left */
    for (int i = 0; i < N; i++) {
        ck_all(world, same_outcome(&r[i], &whole[i]) && same_outcome(&again[i], &whole[i]));
        encoder_destroy(&r[i].m);
        encoder_destroy(&again[i].m);
        encoder_destroy(&whole[i].m);
    }
    examples_free(&x);
    encoder_destroy(&dense);
    agree_remove(world, dir);
}
END_TEST

/* what has nothing in common does not go together */
START_TEST(refused) {
    encoder *dense = dense_encoder(), *other = dense_encoder();
    examples x = toy_examples(SENTENCES, 5);
    prune_options o = options("adaptive", "adaptive");
    prune_job jobs[2] = {job_of(0, dense, &x, &o), job_of(1, other, &x, &o)};
    outcome r[2];
    prune_layer *layers[] = {r[0].rows, r[1].rows};
    int rows[2];
    encoder *models[2];
    ck_all(world, prune_models(jobs, 2, layers, rows, models) == ERR_FAILED);
    ck_all(world, strstr(err_message(), "in common") && !models[0] && !models[1]);
    jobs[1] = job_of(1, dense, &x, &o);
    jobs[1].trace = 1.0;
    ck_all(world, prune_models(jobs, 2, layers, rows, models) == ERR_USAGE);
    ck_all(world, strstr(err_message(), "trace") && !models[0]);
    examples_free(&x);
    encoder_destroy(&dense);
    encoder_destroy(&other);
}
END_TEST

/* linears of stage s of a block as if they had been pruned */
static void change(encoder *m, int block, block_stage s) {
    for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
        linear_view v = encoder_linear(m, block, k);
        for (int i = 0; v.stage == s && i < v.out * v.in; i += 3)
            v.w[i] = 0.0f;
    }
}

/* chunk i of this rank as a batch */
static void batch_of(packer *pack, int i, batch *b) {
    int32_t rows[CHUNK];
    int first = (world->rank + i * world->size) * CHUNK, n = 0;
    for (; n < CHUNK && first + n < SENTENCES; n++)
        rows[n] = first + n;
    ck_assert_int_eq(packer_pack(pack, rows, n, b), OK);
}

enum { MOST = SENTENCES / CHUNK + 1, WIDTH = 16, WIDE = 32 };

/* the block's input of chunk i, model m goes through the whole block up to stage s */
static float *through(encoder_ws *ws, packer *pack, const encoder *m, int i, int l, const float *h,
                      block_stage s) {
    batch b;
    batch_of(pack, i, &b);
    float *out = malloc(sizeof *out * (size_t)(b.T * WIDE));
    ck_assert_int_eq(encoder_block(ws, m, l, &b, h, s, out), OK);
    return out;
}

/* What is kept between stages gives the bits of whole blocks from their inputs, with the weights as
 * they are at each stage. */
START_TEST(states_are_those_of_whole_blocks) {
    encoder *dense = dense_encoder(), *pruned = dense_encoder();
    const encoder *models[] = {dense, pruned};
    examples x = toy_examples(SENTENCES, 5);
    calibration *c = NULL;
    encoder_ws *ws = NULL;
    packer *pack = NULL;
    float *start[2 * MOST] = {NULL};
    ck_all_ok(world, calibration_open(world, models, 2, &x, CHUNK, &c));
    ck_all_ok(world, encoder_ws_create(&dense->c, &ws));
    ck_all_ok(world, packer_create(&x, CHUNK, &pack));
    int n = 2 * calibration_chunks(c), same = 1;
    for (int i = 0; i < n; i++) { /* number i / 2 of model i % 2 */
        batch b;
        batch_of(pack, i / 2, &b);
        start[i] = malloc(sizeof **start * (size_t)(b.T * WIDTH));
        ck_assert_int_eq(encoder_embed(ws, dense, &b, start[i]), OK);
    }
    for (int l = 0; l < dense->c.L; l++)
        for (block_stage s = STAGE_QKV; s < STAGE_DONE; s++) {
            same &= calibration_block(c) == l && calibration_stage(c) == s;
            for (int i = 0; i < n; i++) {
                const float *in;
                int T;
                ck_assert_int_eq(calibration_input(c, i / 2, i % 2, &in, &T), OK);
                float *want = through(ws, pack, models[i % 2], i / 2, l, start[i], s);
                size_t each = s == STAGE_OUT ? WIDE : WIDTH;
                same &= memcmp(want, in, (size_t)T * each * sizeof *want) == 0;
                free(want);
            }
            change(pruned, l, s);
            ck_all_ok(world, calibration_next(c));
            for (int i = 0; i < n && s == STAGE_OUT; i++) {
                float *end = through(ws, pack, models[i % 2], i / 2, l, start[i], STAGE_DONE);
                free(start[i]);
                start[i] = end;
            }
        }
    ck_all(world, same && calibration_block(c) == dense->c.L);
    for (int i = 0; i < n; i++)
        free(start[i]);
    packer_destroy(&pack);
    encoder_ws_destroy(&ws);
    calibration_close(&c);
    examples_free(&x);
    encoder_destroy(&dense);
    encoder_destroy(&pruned);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("together");
    tcase_add_loop_test(t, as_if_alone, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(t, from_different_blocks);
    tcase_add_test(t, refused);
    tcase_add_test(t, states_are_those_of_whole_blocks);
    return agree_run("together", t, &world);
}
