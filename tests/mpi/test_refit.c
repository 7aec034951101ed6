/* sums over calibration tokens and what is fitted to them, over ranks: bias, dead inputs, few
 * tokens
 */
#include "mpi/agree.h"
#include "prune/obs.h"
#include "prune/refit.h"
#include "spd.h"

static par *world;

/* tokens a chunk */
enum { CHUNK = 7 };

/* sums of T random tokens, chunk by chunk over ranks; input number 3 is dead */
static hessian *random_sums(int d, int m, int T) {
    hessian *h;
    double *x = spd_random(30, (size_t)T * ((size_t)d + 1)), *y = spd_random(31, (size_t)(T * m));
    ck_all_ok(world, hessian_create(d, m, NULL, &h));
    for (int t = 0; t < T; t++) {
        for (int i = 0; i < d; i++)
            x[t * (d + 1) + i] += 0.5 * i;
        for (int r = 0; r < m; r++)
            y[t * m + r] += x[t * (d + 1) + r] - 2.0 * x[t * (d + 1) + d - 1 - r] + 3.0;
        x[t * (d + 1) + 3] = 0.0;
        x[t * (d + 1) + d] = 1.0;
    }
    for (int t = world->rank * CHUNK; t < T; t += world->size * CHUNK)
        ck_assert_int_eq(hessian_add(h, x + t * (d + 1), y + t * m, T - t < CHUNK ? T - t : CHUNK),
                         OK);
    ck_all_ok(world, hessian_reduce(h, world));
    double n = 0.0, sum = 0.0;
    for (int t = 0; t < T; t++) {
        n += 1.0;
        sum += y[t * m] * x[t * (d + 1) + 1];
    }
    ck_all(world, h->xx[(d + 1) * (d + 1) - 1] == n && fabs(h->yx[1] - sum) < 1e-9 * fabs(sum));
    free(x);
    free(y);
    return h;
}

/* outputs that are w x of other inputs: by the products of the inputs, and by the outputs */
START_TEST(paired_sums) {
    enum { D = 9, M = 14, T = 60, W = D + 1 };
    double *x = spd_random(50, T * W), *other = spd_random(51, T * W), *w = spd_random(52, M * D);
    double y[T * M];
    for (int t = 0; t < T; t++) {
        x[t * W + D] = other[t * W + D] = 1.0;
        for (int r = 0; r < M; r++) {
            y[t * M + r] = 0.0;
            for (int i = 0; i < D; i++)
                y[t * M + r] += w[r * D + i] * other[t * W + i];
        }
    }
    hessian *paired, *beside, *plain, *inputs;
    ck_all(world, hessian_pays_paired(D, M) && !hessian_pays_paired(M, D));
    ck_all_ok(world, hessian_create_paired(D, M, NULL, &paired));
    ck_all_ok(world, hessian_create_paired(D, M, paired, &beside));
    ck_all_ok(world, hessian_create(D, M, NULL, &plain));
    ck_all_ok(world, hessian_create(D, 0, NULL, &inputs));
    for (int t = world->rank * CHUNK; t < T; t += world->size * CHUNK) {
        int n = T - t < CHUNK ? T - t : CHUNK;
        ck_assert_int_eq(hessian_add(paired, x + t * W, other + t * W, n), OK);
        ck_assert_int_eq(hessian_add(beside, other + t * W, x + t * W, n), OK);
        ck_assert_int_eq(hessian_add(plain, x + t * W, y + t * M, n), OK);
        ck_assert_int_eq(hessian_add(inputs, other + t * W, NULL, n), OK);
    }
    ck_all_ok(world, hessian_reduce(paired, world));
    ck_all_ok(world, hessian_reduce(beside, world));
    ck_all_ok(world, hessian_reduce(plain, world));
    ck_all_ok(world, hessian_reduce(inputs, world));
    /* the second's products were made in the first's arrays, and are its own */
    ck_all(world, memcmp(beside->xx, inputs->xx, sizeof(double[W * W])) == 0);
    ck_all(world, beside->xx != paired->xx && beside->dx != paired->dx);
    ck_all_ok(world, hessian_squares(inputs, w, M));
    ck_all_ok(world, hessian_pair(paired, w, inputs));
    ck_all(world, memcmp(paired->xx, plain->xx, sizeof(double[W * W])) == 0);
    /* sums of 60 products of about 1, rounded at 2^-60: two orders of the same additions */
    ck_all(world, spd_distance(paired->yx, plain->yx, M * W) < 1e-13);
    ck_all(world, spd_distance(paired->yy, plain->yy, M) < 1e-13);
    hessian_destroy(&beside);
    hessian_destroy(&paired);
    hessian_destroy(&plain);
    hessian_destroy(&inputs);
    free(x);
    free(other);
    free(w);
}
END_TEST

/* exact OBS by the definition on the augmented system: d + 1 weights, the last one, of the
 * constant, undamped and never chosen; w (d + 1) in, out; h (d + 1, d + 1) */
static void augmented_obs(double *w, const double *h, int d, int k) {
    size_t n = (size_t)d + 1;
    double *g = spd_inverse(h, n), *row = malloc(n * sizeof *row);
    char gone[64] = {0};
    for (int t = 0; t < k; t++) {
        size_t p = n;
        for (size_t i = 0; i + 1 < n; i++)
            if (!gone[i] && (p == n || w[i] * w[i] / g[i * n + i] < w[p] * w[p] / g[p * n + p]))
                p = i;
        memcpy(row, g + p * n, n * sizeof *row);
        double step = w[p] / row[p];
        for (size_t i = 0; i < n; i++) {
            w[i] -= step * row[i];
            for (size_t q = 0; q < n; q++)
                g[i * n + q] -= row[i] * row[q] / row[p];
        }
        gone[p] = 1;
        for (size_t i = 0; i < n; i++)
            w[i] = gone[i] ? 0.0 : w[i];
    }
    free(g);
    free(row);
}

/* centred sums are the augmented system: same weights, same bias, pruned or not; dead inputs get 0
 */
START_TEST(bias_is_one_more_weight) {
    enum { D = 12, M = 5, T = 100 };
    const double dense[M * D] = {0};
    hessian *h = random_sums(D, M, T);
    refit_job j = {.own = h,
                   .obs = h,
                   .dense = dense,
                   .target = _i ? TARGET_NEAR_DENSE : TARGET_ADAPTIVE,
                   .bias = 1,
                   .inverse = 1,
                   .damping = 1e-3,
                   .factorisation = "auto"};
    refit r;
    ck_all_ok(world, refit_make(world, &j, &r));
    double a[(D + 1) * (D + 1)], mean = 0.0;
    for (int i = 0; i < (D + 1) * (D + 1); i++)
        a[i] = h->xx[i] / T;
    for (int i = 0; i < D; i++)
        mean += a[i * (D + 1) + i] / D;
    for (int i = 0; i < D; i++)
        a[i * (D + 1) + i] += 1e-3 * mean;
    a[3 * (D + 1) + 3] += 1.0; /* dead */
    ck_all(world, fabs(r.damping / 1e-3 - 1.0) < 1e-12 && r.report.retries == 0);
    double yx[M * (D + 1)];
    for (int i = 0; i < M * (D + 1); i++)
        yx[i] = h->yx[i] / T;
    double *want = spd_solve(a, yx, D + 1, M);
    for (int row = 0; row < M; row++) {
        double w[D], *start = r.start + row * D, *whole = want + row * (D + 1);
        ck_all(world, spd_distance(start, whole, D) < 1e-10 && start[3] == 0.0);
        ck_all(world, fabs(refit_bias(&r, row, start) - whole[D]) < 1e-10);
        memcpy(w, start, sizeof w);
        ck_all_ok(world, obs_row_reference(w, r.inverse, D, D / 2, NULL, NULL));
        augmented_obs(whole, a, D, D / 2);
        ck_all(world, spd_distance(w, whole, D) < 1e-9);
        ck_all(world, fabs(refit_bias(&r, row, w) - whole[D]) < 1e-9);
    }
    free(want);
    refit_free(&r);
    hessian_destroy(&h);
}
END_TEST

/* fewer tokens than inputs: near-dense keeps what the tokens say nothing about */
START_TEST(near_dense_stays_near) {
    enum { D = 12, M = 2, T = 5 };
    double *dense = spd_random(40, M * D);
    hessian *h = random_sums(D, M, T);
    refit_job j = {.own = h,
                   .obs = h,
                   .dense = dense,
                   .target = TARGET_NEAR_DENSE,
                   .bias = 1,
                   .damping = 1e-6,
                   .factorisation = "auto"};
    refit near, far;
    ck_all_ok(world, refit_make(world, &j, &near));
    j.target = TARGET_ADAPTIVE;
    ck_all_ok(world, refit_make(world, &j, &far));
    double to_near = 0.0, to_far = 0.0, error[M];
    for (int i = 0; i < M * D; i++) {
        to_near += (near.start[i] - dense[i]) * (near.start[i] - dense[i]);
        to_far += (far.start[i] - dense[i]) * (far.start[i] - dense[i]);
    }
    ck_all(world, to_near < to_far && near.inverse == NULL);
    ck_all_ok(world, refit_errors(h, 0, M, near.start, near.shift, error));
    for (int r = 0; r < M; r++) { /* both explain the tokens that there are */
        double alone;
        ck_all(world, error[r] < 1e-3 * h->yy[r]);
        ck_all_ok(world, refit_errors(h, r, 1, near.start + r * D, near.shift + r, &alone));
        ck_all(world, alone == error[r]);
    }
    free(dense);
    refit_free(&near);
    refit_free(&far);
    hessian_destroy(&h);
}
END_TEST

static int same_fit(const refit *a, const refit *b, int d, int m) {
    size_t each = (size_t)m * sizeof *a->shift, row = (size_t)d * sizeof *a->start;
    return memcmp(a->start, b->start, (size_t)m * row) == 0 &&
           memcmp(a->shift, b->shift, each) == 0 && memcmp(a->mean, b->mean, row) == 0 &&
           (!a->inverse || memcmp(a->inverse, b->inverse, (size_t)d * row) == 0) &&
           a->damping == b->damping && a->report.retries == b->report.retries;
}

/* in three steps, by whichever rank's turn it is, with and without an inverse: the same bytes */
START_TEST(in_steps) {
    enum { D = 12, M = 5, T = 100, FITS = 7 };
    const double dense[M * D] = {0};
    hessian *h = random_sums(D, M, T);
    refit_job j = {.own = h,
                   .obs = h,
                   .dense = dense,
                   .target = TARGET_ADAPTIVE,
                   .bias = 1,
                   .inverse = _i,
                   .damping = 1e-3,
                   .factorisation = "auto"};
    refit want, fits[FITS];
    ck_all_ok(world, refit_make(world, &j, &want));
    for (int k = 0; k < FITS; k++)
        ck_all_ok(world, refit_begin(world, &j, k, &fits[k]));
    for (int k = 0; k < FITS; k++)
        ck_all_ok(world, refit_alone(&j, &fits[k]));
    for (int k = 0; k < FITS; k++) {
        int node = _i ? fits[k].node->node->size : 1;
        ck_all(world, fits[k].owner == (_i ? k % node : -1));
        ck_all_ok(world, refit_finish(world, &j, &fits[k]));
        ck_all(world, same_fit(&fits[k], &want, D, M));
        refit_free(&fits[k]);
    }
    refit_free(&want);
    hessian_destroy(&h);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("refit");
    tcase_add_test(t, paired_sums);
    tcase_add_loop_test(t, bias_is_one_more_weight, 0, 2);
    tcase_add_test(t, near_dense_stays_near);
    tcase_add_loop_test(t, in_steps, 0, 2);
    return agree_run("refit", t, &world);
}
