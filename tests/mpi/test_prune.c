/* pruning a whole encoder over ranks: the same bytes as one rank alone, exact sparsity, errors
 * that another computation finds too, less error than by magnitude, checkpoints; singular sums */
#include "mpi/agree.h"
#include "mpi/pruned.h"
#include "prune/calibration.h"
#include "prune/finished.h"
#include "prune/linears.h"
#include "prune/obs.h"
#include "prune/refit.h"
#include "prune/rows.h"
#include "spd.h"

#include <math.h>

static par *world;
static const par alone = {.size = 1}; /* par_alone() */

static const struct {
    const char *method, *hessian, *target;
    double sparsity;
} cases[] = {
    {"adaptive", "adaptive", "adaptive", 0.5},
    {"adaptive", "dense", "adaptive", 0.5},
    {"adaptive", "adaptive", "dense", 0.5},
    {"adaptive", "dense", "dense", 0.5},
    {"adaptive", "adaptive", "adaptive", 0.875},
    {"adaptive", "adaptive", "adaptive", 0.0},
    {"magnitude", "adaptive", "adaptive", 0.5},
    {"magnitude-global", "adaptive", "adaptive", 0.5},
    {"random", "adaptive", "adaptive", 0.3},
    {"wanda", "adaptive", "adaptive", 0.5},
    {"sparsegpt", "adaptive", "adaptive", 0.5},
    {"obc", "adaptive", "adaptive", 0.875},
    {"wanda@both+refit", "adaptive", "adaptive", 0.5},
    {"sparsegpt@target", "adaptive", "adaptive", 0.5},
    {"magnitude@hessian+refit", "adaptive", "adaptive", 0.5},
    {"adaptive+swaps", "adaptive", "adaptive", 0.5},
    {"wanda+swaps", "adaptive", "adaptive", 0.5},
};
enum { CASES = sizeof cases / sizeof *cases };

/* zeros where they must be and nowhere else; every row of the report with the right counts */
static int exact(const outcome *r, const encoder *dense, const char *method, double sparsity) {
    const char *alike[] = {"adaptive", "obc", "random", "wanda"};
    int rows_alike = 0, in_all = strcmp(method, "magnitude-global") == 0, ok = 1, at = 0;
    int64_t all = 0, removed = 0;
    for (int i = 0; i < 4; i++)
        rows_alike |= strncmp(method, alike[i], strlen(alike[i])) == 0;
    for (int l = 0; l < dense->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++, at++) {
            linear_view v = encoder_linear(r->m, l, k);
            int64_t zeros = 0, each = obs_removals(sparsity, v.in);
            for (int i = 0; i < v.out; i++) {
                int64_t in_row = 0;
                for (int q = 0; q < v.in; q++)
                    in_row += v.w[i * v.in + q] == 0.0f;
                ok &= !rows_alike || in_row == each;
                zeros += in_row;
            }
            int64_t want = rows_alike ? each * v.out : obs_removals(sparsity, v.out * v.in);
            all += v.out * v.in;
            removed += zeros;
            ok &= (in_all || zeros == want) && r->rows[at].removed == zeros;
            ok &= r->rows[at].layer == l;
            ok &= strcmp(r->rows[at].linear, v.name) == 0 && r->rows[at].out == v.out;
        }
    return ok && (!in_all || removed == obs_removals(sparsity, all));
}

/* the errors that came out of sums, against a pass over the calibration tokens with the finished
 * model */
static int errors_hold(const encoder *dense, const outcome *r) {
    examples x = toy_examples(SENTENCES, 5);
    calibration *c = NULL;
    const encoder *models[] = {dense, r->m};
    int ok = calibration_open(world, models, 2, &x, CHUNK, &c) == OK, at = 0;
    for (int l = 0; l < dense->c.L && ok; l++) {
        for (block_stage s = STAGE_QKV; s < STAGE_DONE; s++) {
            linears group = linears_of_block(dense, r->m, 1, l, s);
            double error[LINEARS_MAX];
            ok &= linears_error(&group, world, c, error) == OK;
            for (int q = 0; q < group.n; q++, at++) /* sums of float64, cancelled by about 1e3 */
                ok &= fabs(error[q] - r->rows[at].error) < 1e-9 * (1.0 + error[q]);
            ok &= calibration_next(c) == OK;
        }
    }
    calibration_close(&c);
    examples_free(&x);
    return ok;
}

START_TEST(same_bytes_on_any_ranks) {
    encoder *dense = dense_encoder();
    prune_options o = options(cases[_i].hessian, cases[_i].target);
    outcome together, own;
    ck_all_ok(world,
              prune(world, dense, cases[_i].method, cases[_i].sparsity, &o, NULL, &together));
    ck_all_ok(world, prune(&alone, dense, cases[_i].method, cases[_i].sparsity, &o, NULL, &own));
    ck_all(world, same_outcome(&together, &own));
    ck_all(world, exact(&together, dense, cases[_i].method, cases[_i].sparsity));
    int head = strncmp(cases[_i].method, "adaptive", 8) == 0 || strstr(cases[_i].method, "@both") ||
                       strstr(cases[_i].method, "@target")
                   ? 2
                   : 0;
    ck_all(world, errors_hold(dense, &together));
    ck_all(world, together.n == 6 * dense->c.L + head);
    encoder_destroy(&together.m);
    encoder_destroy(&own.m);
    encoder_destroy(&dense);
}
END_TEST

START_TEST(errors) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome adaptive, magnitude, none;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &adaptive));
    ck_all_ok(world, prune(world, dense, "magnitude", 0.5, &o, NULL, &magnitude));
    ck_all_ok(world, prune(world, dense, "adaptive", 0.0, &o, NULL, &none));
    ck_all(world, errors_hold(dense, &adaptive) && errors_hold(dense, &magnitude));
    for (int i = 0; i < 6 * dense->c.L; i++) {
        ck_all(world, adaptive.rows[i].error < magnitude.rows[i].error);
        /* nothing removed: only the ridge of 1e-4 is felt */
        ck_all(world, none.rows[i].error < 1e-4);
    }
    encoder_destroy(&adaptive.m);
    encoder_destroy(&magnitude.m);
    encoder_destroy(&none.m);
    encoder_destroy(&dense);
}
END_TEST

/* hidden states kept block by block are those of whole forward passes */
START_TEST(calibration_follows_the_models) {
    encoder *dense = dense_encoder(), *other = toy_encoder(2, 0, 3);
    memcpy(other->p.word_emb, dense->p.word_emb, 24 * 16 * sizeof(float));
    examples x = toy_examples(SENTENCES, 5);
    calibration *c = NULL;
    encoder_ws *ws = NULL;
    packer *pack = NULL;
    ck_all_ok(world, calibration_open(world, (const encoder *[]){dense, other}, 2, &x, CHUNK, &c));
    ck_all_ok(world, encoder_ws_create(&dense->c, &ws));
    ck_all_ok(world, packer_create(&x, CHUNK, &pack));
    for (int l = 0; l < dense->c.L; l++)
        ck_all_ok(world, calibration_advance(c));
    double gap = 0.0;
    for (int i = 0; i < calibration_chunks(c); i++) {
        const float *cls;
        int32_t rows[CHUNK];
        int B, first = (world->rank + i * world->size) * CHUNK;
        batch b;
        ck_assert_int_eq(calibration_pooled_input(c, i, 0, &cls, &B), OK);
        ck_assert_int_eq(B, SENTENCES - first < CHUNK ? SENTENCES - first : CHUNK);
        for (int k = 0; k < B; k++)
            rows[k] = first + k;
        ck_assert_int_eq(packer_pack(pack, rows, B, &b), OK);
        for (int m = 0; m < 2; m++) {
            ck_assert_int_eq(calibration_pooled_input(c, i, m, &cls, &B), OK);
            ck_assert_int_eq(encoder_forward(ws, m ? other : dense, &b, NULL, 0), OK);
            for (int k = 0; k < B * 16; k++) {
                const float *h = encoder_hidden(ws, dense->c.L) + b.offsets[k / 16] * 16;
                gap = fmax(gap, fabs((double)h[k % 16] - (double)cls[k]));
            }
        }
    }
    ck_all(world, gap < 1e-5); /* float32 states of about 1, by other kernels */
    packer_destroy(&pack);
    encoder_ws_destroy(&ws);
    calibration_close(&c);
    examples_free(&x);
    encoder_destroy(&dense);
    encoder_destroy(&other);
}
END_TEST

/* Every stage of a pruned model again, alone: inputs from the pruned prefix or from the dense
 * model, target refitted or dense, as the switches say. */
START_TEST(switches) {
    encoder *dense = dense_encoder();
    int dense_inputs = _i & 1, dense_target = _i >> 1;
    prune_options o =
        options(dense_inputs ? "dense" : "adaptive", dense_target ? "dense" : "adaptive");
    outcome r;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &r));
    examples x = toy_examples(SENTENCES, 5);
    calibration *prefix = NULL, *pure = NULL;
    ck_all_ok(world,
              calibration_open(world, (const encoder *[]){dense, r.m}, 2, &x, CHUNK, &prefix));
    ck_all_ok(world,
              calibration_open(world, (const encoder *[]){dense, dense}, 2, &x, CHUNK, &pure));
    for (int l = 0; l < dense->c.L; l++) {
        for (block_stage s = STAGE_QKV; s < STAGE_DONE; s++) {
            linears group = linears_of_block(dense, r.m, 1, l, s);
            double w[3 * 32 * 16];
            float b[3 * 32];
            hessian *own, *ideal;
            refit fit;
            pruned_rows rows;
            linears_dense_weight(&group, w);
            linears_dense_bias(&group, b);
            ck_all_ok(world, linears_sums(&group, 1, world, prefix, &own, NULL));
            ck_all_ok(world, linears_sums(&group, 1, world, pure, &ideal, NULL));
            refit_job j = {.own = own,
                           .obs = dense_inputs ? ideal : own,
                           .dense = w,
                           .target = dense_target ? TARGET_DENSE : TARGET_ADAPTIVE,
                           .bias = 1,
                           .inverse = 1,
                           .damping = o.damping,
                           .factorisation = "local"};
            ck_all_ok(world, refit_make(world, &j, &fit));
            int outs = group.out;
            rows_request half = {.method = ROWS_OBS,
                                 .sparsity = &(double){0.5},
                                 .n = 1,
                                 .linear_rows = &outs,
                                 .linears = 1};
            ck_all_ok(world, rows_prune(world, &fit, own, j.obs, b, &half, &rows));
            for (int q = 0, at = 0; q < group.n; at += group.pruned[q++].out) {
                linear_view v = group.pruned[q];
                ck_all(world,
                       memcmp(rows.w + at * v.in, v.w, (size_t)(v.out * v.in) * sizeof *v.w) == 0);
            }
            rows_free(&rows);
            refit_free(&fit);
            hessian_destroy(&own);
            hessian_destroy(&ideal);
            ck_all_ok(world, calibration_next(prefix));
            ck_all_ok(world, calibration_next(pure));
        }
    }
    calibration_close(&prefix);
    calibration_close(&pure);
    examples_free(&x);
    encoder_destroy(&r.m);
    encoder_destroy(&dense);
}
END_TEST

START_TEST(head_is_refitted) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome with, without;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.75, &o, NULL, &with));
    o.refit_head = 0;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.75, &o, NULL, &without));
    ck_all(world, without.n == 6 * dense->c.L);
    ck_all(world, memcmp(without.m->p.pool_w, dense->p.pool_w, 16 * 16 * sizeof(float)) == 0);
    examples x = toy_examples(SENTENCES, 5);
    calibration *c = NULL;
    ck_all_ok(world,
              calibration_open(world, (const encoder *[]){dense, without.m}, 2, &x, CHUNK, &c));
    while (calibration_block(c) < dense->c.L)
        ck_all_ok(world, calibration_advance(c));
    linears pooler = linears_of_pooler(dense, without.m, 1);
    linears classifier = linears_of_classifier(dense, without.m, 1);
    double before[2];
    ck_all_ok(world, linears_error(&pooler, world, c, &before[0]));
    ck_all_ok(world, linears_error(&classifier, world, c, &before[1]));
    for (int i = 0; i < 2; i++) {
        const prune_layer *r = &with.rows[6 * dense->c.L + i];
        ck_all(world, r->layer == dense->c.L && r->removed == 0);
        ck_all(world, strcmp(r->linear, i ? "classifier" : "pooler") == 0);
        ck_all(world, r->error < before[i]);
    }
    calibration_close(&c);
    examples_free(&x);
    encoder_destroy(&with.m);
    encoder_destroy(&without.m);
    encoder_destroy(&dense);
}
END_TEST

/* refit_bias: the biases of the blocks move, or stay bit by bit */
START_TEST(biases_are_refitted) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome with, without;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &with));
    o.refit_bias = 0;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &without));
    ck_all(world, errors_hold(dense, &with) && errors_hold(dense, &without));
    double moved = 0.0, error[2] = {0.0};
    for (int l = 0; l < dense->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view was = encoder_linear(dense, l, k), is = encoder_linear(without.m, l, k);
            ck_all(world, memcmp(was.b, is.b, (size_t)was.out * sizeof *was.b) == 0);
            is = encoder_linear(with.m, l, k);
            for (int i = 0; i < was.out; i++)
                moved += fabs((double)was.b[i] - (double)is.b[i]);
        }
    for (int i = 0; i < 3; i++) { /* of the first stage, whose inputs are the same */
        error[0] += with.rows[i].error;
        error[1] += without.rows[i].error;
    }
    ck_all(world, moved > 0.01 && error[0] < error[1]);
    encoder_destroy(&with.m);
    encoder_destroy(&without.m);
    encoder_destroy(&dense);
}
END_TEST

/* what is asked for is what is in force, and costs accuracy */
START_TEST(damping) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome little, much;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &little));
    o.damping = 1.0;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &much));
    for (int i = 0; i < 6 * dense->c.L; i++) {
        ck_all(world, fabs(little.rows[i].damping / 1e-4 - 1.0) < 1e-9 && !little.rows[i].retries);
        ck_all(world, fabs(much.rows[i].damping - 1.0) < 1e-9);
        ck_all(world, much.rows[i].condition < little.rows[i].condition);
    }
    ck_all(world, little.rows[0].error < much.rows[0].error);
    encoder_destroy(&little.m);
    encoder_destroy(&much.m);
    encoder_destroy(&dense);
}
END_TEST

/* fewer tokens than columns and no damping: raised, and said so; what never fires gets weight 0 */
START_TEST(singular_sums) {
    encoder *dense = dense_encoder();
    linear_view inter = encoder_linear(dense, 0, LINEAR_INTER);
    inter.b[5] = -50.0f; /* gelu(-50) is 0 in float32 */
    prune_options o = options("adaptive", "adaptive");
    o.damping = 0.0;
    o.refit_head = 0; /* of one sentence's pooled state nothing is left but its mean */
    examples x = toy_examples(1, 5);
    prune_job j = {.p = world,
                   .dense = dense,
                   .calibration = &x,
                   .method = "adaptive",
                   .sparsity = 0.5,
                   .o = &o};
    outcome r = {0};
    ck_all_ok(world, prune_model(&j, r.rows, &r.n, &r.m));
    ck_all(world, exact(&r, dense, "adaptive", 0.5));
    for (int i = 0; i < 6 * dense->c.L; i++) {
        const prune_layer *row = &r.rows[i];
        ck_all(world, row->retries > 0 && row->damping > 0.0 && isfinite(row->error));
        ck_all(world, row->condition > 1.0 && row->condition < 1e15 && row->residual < 1.0);
    }
    examples_free(&x);
    encoder_destroy(&r.m);

    /* 30 sentences: the input of the dead unit is 0 in every one of them */
    o.damping = 1e-4;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.0, &o, NULL, &r));
    linear_view out = encoder_linear(r.m, 0, LINEAR_OUT);
    for (int i = 0; i < out.out; i++)
        ck_all(world, out.w[i * out.in + 5] == 0.0f);
    encoder_destroy(&r.m);
    encoder_destroy(&dense);
}
END_TEST

START_TEST(distributed_is_close) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome local, distributed;
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &local));
    strcpy(o.factorisation, "distributed");
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &distributed));
    double gap = 0.0;
    for (size_t i = 0; i < local.m->n; i++)
        gap = fmax(gap, fabs((double)local.m->block[i] - (double)distributed.m->block[i]));
    /* float64 rounding in the inverse, rounded to float32 weights of about 1 and carried through
     * layers */
    ck_all(world, gap < 1e-4);
    ck_all(world, strcmp(local.rows[0].factorisation, "local") == 0);
    ck_all(world, strcmp(distributed.rows[0].factorisation, "distributed") == 0);
    encoder_destroy(&local.m);
    encoder_destroy(&distributed.m);
    encoder_destroy(&dense);
}
END_TEST

START_TEST(resumes_from_a_checkpoint) {
    static const char *const methods[] = {"adaptive", "wanda@both+refit", "magnitude-global"};
    const char *method = methods[_i];
    char dir[4096], path[4200];
    agree_folder(world, dir);
    snprintf(path, sizeof path, "%s/checkpoint", dir);
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome whole, first, again, resumed;
    ck_all_ok(world, prune(world, dense, method, 0.5, &o, NULL, &whole));
    ck_all_ok(world, prune(world, dense, method, 0.5, &o, path, &first));
    ck_all_ok(world, prune(world, dense, method, 0.5, &o, path, &again)); /* all blocks there */
    ck_all(world, same_outcome(&whole, &first) && same_outcome(&whole, &again));

    /* as if stopped after the first block: what a file of one block brings back is believed */
    examples x = toy_examples(SENTENCES, 5);
    prune_job j = {.p = world,
                   .dense = dense,
                   .calibration = &x,
                   .method = method,
                   .sparsity = 0.5,
                   .seed = 7,
                   .o = &o,
                   .checkpoint = path};
    char key[65];
    ck_all_ok(world, finished_key(&j, key));
    ck_all_ok(world, finished_write(&j, key, whole.m, 1, whole.rows, 6));
    ck_all_ok(world, prune(world, dense, method, 0.5, &o, path, &resumed));
    ck_all(world, same_outcome(&whole, &resumed));

    /* the file is believed, not made again: a change in it reaches the result */
    encoder *changed;
    ck_all_ok(world, encoder_copy(whole.m, &changed));
    encoder_linear(changed, 0, LINEAR_OUT).w[0] += 1.0f;
    ck_all_ok(world, finished_write(&j, key, changed, 1, whole.rows, 6));
    outcome other;
    ck_all_ok(world, prune(world, dense, method, 0.5, &o, path, &other));
    ck_all(world, !toy_same(whole.m, other.m));

    /* of another sparsity: refused, and left as it is */
    outcome refused;
    ck_all(world, prune(world, dense, method, 0.25, &o, path, &refused) == ERR_DATA);
    ck_all(world, strstr(err_message(), "other options") != NULL && refused.m == NULL);
    examples_free(&x);
    encoder_destroy(&changed);
    encoder_destroy(&whole.m);
    encoder_destroy(&first.m);
    encoder_destroy(&again.m);
    encoder_destroy(&resumed.m);
    encoder_destroy(&other.m);
    encoder_destroy(&dense);
    agree_remove(world, dir);
}
END_TEST

START_TEST(refused) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome r;
    ck_all(world, prune(world, dense, "sideways", 0.5, &o, NULL, &r) == ERR_USAGE);
    ck_all(world, prune(world, dense, "adaptive", 1.0, &o, NULL, &r) == ERR_USAGE);
    strcpy(o.grid, "64x64");
    ck_all(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &r) == ERR_USAGE);
    ck_all(world, strstr(err_message(), "needs 4096 ranks") != NULL && r.m == NULL);
    strcpy(o.grid, "1x1");
    strcpy(o.factorisation, "distributed");
    ck_all_ok(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &r));
    encoder_destroy(&r.m);
    o = options("adaptive", "adaptive");
    linear_view v = encoder_linear(dense, 0, LINEAR_KEY);
    v.w[0] = NAN;
    ck_all(world, prune(world, dense, "adaptive", 0.5, &o, NULL, &r) == ERR_FAILED);
    encoder_destroy(&dense);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("prune");
    tcase_add_loop_test(t, same_bytes_on_any_ranks, 0, CASES);
    tcase_add_test(t, errors);
    tcase_add_test(t, calibration_follows_the_models);
    tcase_add_loop_test(t, switches, 0, 4);
    tcase_add_test(t, head_is_refitted);
    tcase_add_test(t, biases_are_refitted);
    tcase_add_test(t, damping);
    tcase_add_test(t, singular_sums);
    tcase_add_test(t, distributed_is_close);
    tcase_add_loop_test(t, resumes_from_a_checkpoint, 0, 3);
    tcase_add_test(t, refused);
    return agree_run("prune", t, &world);
}
