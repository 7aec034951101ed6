/* patterns, and a sparsity spread over linear layers: uniform, by error, from a file; the same
 * bytes on any ranks */
#include "mpi/agree.h"
#include "mpi/pruned.h"
#include "prune/obs.h"
#include "prune/shares.h"

static par *world;
static const par alone = {.size = 1}; /* par_alone() */

static int64_t zeros_of(const encoder *m) {
    int64_t zeros, total;
    prune_sparsity(m, &zeros, &total);
    return zeros;
}

static const char *checkpoint; /* of the next pruning; NULL: none */

static err prune_by(const par *p, const encoder *dense, const char *method, const char *groups,
                    const char *file, const prune_options *o, outcome *out) {
    examples x = toy_examples(SENTENCES, 5);
    prune_job j = {.p = p,
                   .dense = dense,
                   .calibration = &x,
                   .method = method,
                   .sparsity = 0.5,
                   .pattern = groups,
                   .seed = 7,
                   .o = o,
                   .allocation_file = file,
                   .checkpoint = checkpoint};
    *out = (outcome){0};
    err e = prune_model(&j, out->rows, &out->n, &out->m);
    examples_free(&x);
    return e;
}

static double sum_of_errors(const outcome *r, int L) {
    double sum = 0.0;
    for (int i = 0; i < L * LINEAR_COUNT; i++)
        sum += r->rows[i].error;
    return sum;
}

static const char *const methods[] = {"adaptive", "sparsegpt", "wanda", "magnitude", "obc+refit"};

START_TEST(patterns) {
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome together, own;
    ck_all_ok(world, prune_by(world, dense, methods[_i], "2:4", NULL, &o, &together));
    ck_all_ok(world, prune_by(&alone, dense, methods[_i], "2:4", NULL, &o, &own));
    ck_all(world, same_outcome(&together, &own));
    int good = 1;
    for (int l = 0; l < dense->c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(together.m, l, k);
            for (int i = 0; i < v.out * v.in; i += 4) {
                int zeros = 0;
                for (int c = 0; c < 4; c++)
                    zeros += v.w[i + c] == 0.0f;
                good &= zeros == 2;
            }
        }
    ck_all(world, good);
    encoder_destroy(&together.m);
    encoder_destroy(&own.m);
    ck_all(world, prune_by(world, dense, methods[_i], "2:3", NULL, &o, &own) == ERR_USAGE);
    ck_all(world, own.m == NULL);
    encoder_destroy(&dense);
}
END_TEST

START_TEST(by_error) {
    encoder *dense = dense_encoder();
    prune_options o = options("dense", "dense");
    /* one linear whose inputs count for nothing: it can lose more than the others */
    linear_view v = encoder_linear(dense, 1, LINEAR_QUERY);
    for (int i = 0; i < v.out * v.in; i++)
        v.w[i] *= i % v.in < 3 ? 1.0f : 1e-3f;
    outcome uniform, together, own;
    ck_all_ok(world, prune_by(world, dense, methods[_i], NULL, NULL, &o, &uniform));
    strcpy(o.allocation, "error");
    ck_all_ok(world, prune_by(world, dense, methods[_i], NULL, NULL, &o, &together));
    ck_all_ok(world, prune_by(&alone, dense, methods[_i], NULL, NULL, &o, &own));
    ck_all(world, same_outcome(&together, &own));
    /* at least as many weights, but for the dynamic program's steps of 1/10000 */
    ck_all(world, (double)zeros_of(together.m) >= 0.998 * (double)zeros_of(uniform.m));
    ck_all(world, together.rows[6].removed > uniform.rows[6].removed);
    ck_all(world, sum_of_errors(&together, 2) < sum_of_errors(&uniform, 2));
    encoder_destroy(&uniform.m);
    encoder_destroy(&together.m);
    encoder_destroy(&own.m);
    encoder_destroy(&dense);
}
END_TEST

/* shares of a file; 0: the line is left out */
static void write_file(const char *path, const double *share) {
    static const char *const names[] = {"query",     "key",          "value",
                                        "attention", "intermediate", "output"};
    if (world->rank == 0) {
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "# block linear sparsity\n");
        for (int i = 0; i < 12; i++)
            if (share[i] > 0.0)
                fprintf(f, "%d\t%s\t%g\n", i / 6, names[i % 6], share[i]);
        fclose(f);
    }
    ck_all_ok(world, par_barrier(world));
}

START_TEST(from_a_file) {
    double share[12] = {0.25, 0.75, 0.5, 0.5, 0.25, 0.75, 0.75, 0.25, 0.5, 0.5, 0.75, 0.25};
    char dir[4096], path[4200];
    agree_folder(world, dir);
    snprintf(path, sizeof path, "%s/shares.tsv", dir);
    encoder *dense = dense_encoder();
    prune_options o = options("adaptive", "adaptive");
    outcome r;
    strcpy(o.allocation, "file");
    write_file(path, share);
    ck_all_ok(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r));
    for (int i = 0; i < 12; i++)
        ck_all(world, r.rows[i].removed == r.rows[i].out * obs_removals(share[i], r.rows[i].in));
    encoder_destroy(&r.m);

    /* a checkpoint belongs to what the file said */
    char kept[4300];
    snprintf(kept, sizeof kept, "%s/checkpoint", dir);
    checkpoint = kept;
    ck_all_ok(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r));
    encoder_destroy(&r.m);
    share[4] = 0.75;
    share[5] = 0.25;
    write_file(path, share);
    ck_all(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r) == ERR_DATA);
    ck_all(world, strstr(err_message(), "other options") != NULL && r.m == NULL);
    checkpoint = NULL;
    share[4] = 0.25;

    share[5] = 0.25; /* now all together remove less than was asked for */
    write_file(path, share);
    ck_all(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r) == ERR_DATA);
    ck_all(world, strstr(err_message(), "prune.sparsity asks for 50.0 %") && r.m == NULL);
    share[5] = 0.0; /* a linear is missing */
    write_file(path, share);
    ck_all(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r) == ERR_DATA);
    agree_remove(world, path);
    ck_all(world, prune_by(world, dense, "adaptive", NULL, path, &o, &r) == ERR_IO);
    encoder_destroy(&dense);
    agree_remove(world, dir);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("shares");
    tcase_add_loop_test(t, patterns, 0, sizeof methods / sizeof *methods);
    tcase_add_loop_test(t, by_error, 0, 4);
    tcase_add_test(t, from_a_file);
    return agree_run("shares", t, &world);
}
