/* which weights go next: one step against float64, all of them where weights have nothing in
 * common, the true order where little is wrong with the guess */
#include "base/rng.h"
#include "prune/foresight.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { ROOM = 160 };

typedef struct scene {
    foresight f;
    double w[ROOM], diag[ROOM], barrier[ROOM];
    int n;
} scene;

static scene *scene_open(int n) {
    scene *s = calloc(1, sizeof *s);
    rng_stream r = rng_open(5, RNG_TEST, (uint32_t)n, 0);
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->w[i] = rng_normal(&r);
        s->diag[i] = exp(rng_normal(&r));
        s->barrier[i] = i % 7 == 3 ? (double)INFINITY : 0.0;
    }
    ck_assert_int_eq(foresight_create(ROOM, &s->f), OK);
    return s;
}

static void scene_close(scene *s) {
    foresight_free(&s->f);
    free(s);
}

static int lowest(const scene *s) {
    int best = -1;
    double score = INFINITY;
    for (int i = 0; i < s->n; i++) {
        double here = s->w[i] * s->w[i] / s->diag[i] + s->barrier[i];
        if (here < score) {
            score = here;
            best = i;
        }
    }
    return best;
}

static const int sizes[] = {1, 2, 15, 16, 17, 100, 150};

/* nothing is known of any column: by their scores, then nobody; weights behind a barrier never */
START_TEST(alone) {
    scene *s = scene_open(sizes[_i]);
    foresight_begin(&s->f, s->w, s->diag, s->barrier, s->n);
    for (int p = lowest(s); p >= 0;) {
        s->w[p] = INFINITY;
        int next = foresight_remove(&s->f, p, NULL);
        p = lowest(s);
        ck_assert_int_eq(next, p);
    }
    scene_close(s);
}
END_TEST

/* a column moves what it names: one becomes the lowest that was not, one that was does not */
START_TEST(moved) {
    scene *s = scene_open(sizes[_i]);
    float column[ROOM] = {0};
    rng_stream r = rng_open(6, RNG_TEST, (uint32_t)_i, 0);
    foresight_begin(&s->f, s->w, s->diag, s->barrier, s->n);
    int p = lowest(s);
    for (int turn = 0; turn < 5 && p >= 0; turn++) {
        double share = s->w[p] / s->diag[p];
        for (int i = 0; i < s->n; i++) /* half of the correlation that there may be */
            column[i] = (float)(0.5 * sqrt(s->diag[i] * s->diag[p]) * sin(rng_normal(&r)));
        column[p] = (float)s->diag[p];
        for (int i = 0; i < s->n; i++)
            if (i != p) {
                s->w[i] -= share * (double)column[i];
                s->diag[i] -= (double)column[i] * (double)column[i] / s->diag[p];
            }
        s->w[p] = INFINITY;
        s->diag[p] = 1.0;
        int next = foresight_remove(&s->f, p, column);
        p = lowest(s);
        ck_assert_int_eq(next, p);
    }
    scene_close(s);
}
END_TEST

/* an old column takes more than there is: still an answer, and a number */
START_TEST(too_much) {
    scene *s = scene_open(100);
    float column[ROOM];
    foresight_begin(&s->f, s->w, s->diag, s->barrier, s->n);
    int p = lowest(s);
    for (int turn = 0; turn < 50; turn++) {
        for (int i = 0; i < ROOM; i++)
            column[i] = 3.0f;
        p = foresight_remove(&s->f, p, column);
        ck_assert(p >= 0 && p < s->n && !(s->barrier[p] > 0.0));
        for (int i = 0; i < s->n; i++)
            ck_assert(s->f.diag[i] > 0.0f && !isnan(s->f.w[i]));
    }
    scene_close(s);
}
END_TEST

int main(void) {
    Suite *s = suite_create("foresight");
    TCase *t = tcase_create("foresight");
    tcase_add_loop_test(t, alone, 0, 7);
    tcase_add_loop_test(t, moved, 0, 7);
    tcase_add_test(t, too_much);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
