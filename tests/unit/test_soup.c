/* averages of models in folders; scores and decisions from marks. */
#include "io/atomic_file.h"
#include "soup/greedy.h"
#include "soup/mix.h"
#include "toy.h"

#include <check.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { N = 5 };

typedef struct kitchen {
    char dir[64];
    encoder *m[N];
    soup_ingredient s[N];
} kitchen;

static void write_text(const char *dir, const char *name, const char *text) {
    char path[4096];
    ck_ok(path_join(path, dir, name));
    ck_ok(atomic_write(path, text, strlen(text)));
}

static kitchen *kitchen_open(void) {
    kitchen *k = calloc(1, sizeof *k);
    ck_assert_ptr_nonnull(k);
    strcpy(k->dir, "/tmp/espalier-soup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(k->dir));
    for (int i = 0; i < N; i++) {
        k->m[i] = toy_encoder(2, 0, 100 + (uint64_t)i);
        snprintf(k->s[i].name, sizeof k->s[i].name, "v%d", i);
        ck_ok(path_join(k->s[i].dir, k->dir, k->s[i].name));
        ck_ok(encoder_save(k->m[i], k->s[i].dir, NULL));
        write_text(k->s[i].dir, "vocab.txt", "[PAD]\n[UNK]\n");
    }
    return k;
}

static void kitchen_close(kitchen *k) {
    static const char *FILES[] = {"config.json", "model.safetensors", "vocab.txt"};
    for (int i = 0; i < N; i++) {
        char path[4096];
        for (int f = 0; f < 3; f++)
            if (path_join(path, k->s[i].dir, FILES[f]) == OK)
                unlink(path);
        rmdir(k->s[i].dir);
        encoder_destroy(&k->m[i]);
    }
    rmdir(k->dir);
    free(k);
}

START_TEST(mean_is_the_mean) {
    kitchen *k = kitchen_open();
    int index[3] = {4, 0, 2};
    encoder *mean;
    ck_ok(soup_mix(k->s, index, NULL, 3, &mean));
    ck_assert(mean->n == k->m[0]->n);
    for (size_t j = 0; j < mean->n; j++) {
        /* 24-bit numbers of close exponents: the sum of three is exact in float64 */
        double sum =
            (double)k->m[0]->block[j] + (double)k->m[2]->block[j] + (double)k->m[4]->block[j];
        ck_assert_msg(mean->block[j] == (float)(sum / 3), "weight %zu", j);
    }
    encoder_destroy(&mean);
    kitchen_close(k);
}
END_TEST

START_TEST(mean_of_one_is_that_one) {
    kitchen *k = kitchen_open();
    int index[1] = {3};
    encoder *mean;
    ck_ok(soup_mix(k->s, index, NULL, 1, &mean));
    ck_assert(toy_same(mean, k->m[3]));
    encoder_destroy(&mean);
    kitchen_close(k);
}
END_TEST

START_TEST(weights_and_products) {
    kitchen *k = kitchen_open();
    const int index[2] = {1, 4};
    const double weight[2] = {0.75, 0.5};
    double dots[2], want[2] = {0, 0};
    encoder *m;
    ck_ok(soup_mix(k->s, index, weight, 2, &m));
    for (size_t j = 0; j < m->n; j++) {
        double sum = 0.75 * (double)k->m[1]->block[j] + 0.5 * (double)k->m[4]->block[j];
        ck_assert_msg(m->block[j] == (float)sum, "weight %zu", j);
        for (int i = 0; i < 2; i++)
            want[i] += (double)k->m[index[i]]->block[j] * (double)m->block[j];
    }
    ck_ok(soup_dots(k->s, index, 2, &m->c, m->block, dots));
    for (int i = 0; i < 2; i++)
        ck_assert_double_eq_tol(dots[i], want[i], 1e-12 * fabs(want[i]));
    encoder_destroy(&m);
    kitchen_close(k);
}
END_TEST

static const par alone = {0, 1, NULL};

static void refused(const kitchen *k, const char *why) {
    ck_assert_int_eq(ingredients_check(&alone, k->s, N), ERR_DATA);
    ck_assert_msg(strstr(err_message(), why) != NULL, "%s", err_message());
    ck_assert_ptr_nonnull(strstr(err_message(), k->s[0].dir));
    ck_assert_ptr_nonnull(strstr(err_message(), k->s[2].dir));
}

START_TEST(refuses_what_does_not_fit) {
    kitchen *k = kitchen_open();
    ck_ok(ingredients_check(&alone, k->s, N));
    strcpy(k->s[2].ancestor, "0123456789abcdef");
    refused(k, "different checkpoints (SHA-256 \xe2\x80\xa6 and 0123456789ab");
    k->s[2].contrast = 1; /* scored, not averaged: may come from elsewhere */
    ck_ok(ingredients_check(&alone, k->s, N));
    k->s[2].contrast = 0;
    k->s[2].ancestor[0] = '\0';

    write_text(k->s[2].dir, "vocab.txt", "[UNK]\n[PAD]\n");
    refused(k, "vocabularies");

    snprintf(k->m[2]->c.label[0], sizeof k->m[2]->c.label[0], "other");
    ck_ok(encoder_save(k->m[2], k->s[2].dir, NULL));
    refused(k, "classes");

    encoder_config c = toy_config(2, 0);
    encoder *wide;
    c.F = 48;
    ck_ok(encoder_create(&c, &wide));
    encoder_init(wide, 1);
    ck_ok(encoder_save(wide, k->s[2].dir, NULL));
    refused(k, "shape");
    encoder_destroy(&wide);
    kitchen_close(k);
}
END_TEST

START_TEST(refuses_nothing_and_damage) {
    kitchen *k = kitchen_open();
    encoder *mean = NULL;
    ck_assert_int_eq(soup_mix(k->s, NULL, NULL, 0, &mean), ERR_FAILED);
    ck_assert_int_eq(ingredients_check(&alone, k->s, 0), ERR_FAILED);
    for (int i = 0; i < N; i++)
        k->s[i].contrast = 1;
    ck_assert_int_eq(ingredients_check(&alone, k->s, N), ERR_FAILED);
    for (int i = 0; i < N; i++)
        k->s[i].contrast = 0;

    char path[4096];
    ck_ok(path_join(path, k->s[3].dir, "model.safetensors"));
    ck_assert_int_eq(truncate(path, 4000), 0);
    ck_assert_int_eq(ingredients_check(&alone, k->s, N), ERR_DATA);
    ck_assert_msg(strstr(err_message(), path) && strstr(err_message(), "truncated"), "%s",
                  err_message());
    int index[2] = {0, 3};
    ck_assert_int_eq(soup_mix(k->s, index, NULL, 2, &mean), ERR_DATA);
    ck_assert_ptr_null(mean);
    unlink(path);
    ck_assert_int_eq(ingredients_check(&alone, k->s, N), ERR_IO);
    kitchen_close(k);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */

/* AddressSanitizer keeps what is freed, and has a shadow of all */
#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* the most memory this process held so far, bytes */
static double high_water(void) {
    double kib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lf kB", &kib) == 1)
            break;
    fclose(f);
    return 1024 * kib;
}

/* the same folder under many names: 12 ingredients of 2.6 million weights */
START_TEST(memory_is_two_blocks) {
    enum { MANY = 12 };
    soup_ingredient *s = calloc(MANY, sizeof *s);
    encoder_config c = toy_config(2, 0);
    encoder *m = NULL;
    char dir[] = "/tmp/espalier-soup-XXXXXX";
    int index[MANY];
    double dots[MANY];
    ck_assert(s != NULL && mkdtemp(dir) != NULL);
    c.V = 20000;
    c.H = 128;
    ck_ok(encoder_create(&c, &m));
    encoder_init(m, 1);
    const double block = (double)(m->n * sizeof *m->block);
    for (int i = 0; i < MANY; i++) {
        index[i] = i;
        snprintf(s[i].name, sizeof s[i].name, "v%d", i);
        snprintf(s[i].dir, sizeof s[i].dir, "%s/v%d", dir, i);
        ck_ok(encoder_save(m, s[i].dir, NULL));
    }
    encoder_destroy(&m);
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* a freed block goes back at once, as one of 438 MB does */
    const double before = high_water();
    ck_ok(ingredients_check(&alone, s, MANY));
    ck_ok(soup_mix(s, index, NULL, MANY, &m));
    const double mixed = high_water() - before;
    /* the caller's block stands for a gradient */
    ck_ok(soup_dots(s, index, MANY, &m->c, m->block, dots));
    const double all = high_water() - before;
    encoder_destroy(&m);
    for (int i = 0; i < MANY; i++) {
        char path[4160];
        snprintf(path, sizeof path, "%s/model.safetensors", s[i].dir);
        unlink(path);
        snprintf(path, sizeof path, "%s/config.json", s[i].dir);
        unlink(path);
        rmdir(s[i].dir);
    }
    rmdir(dir);
    free(s);
    /* two blocks, one of them the pages of a file; pieces and their sums; page tables */
    ck_assert_msg(mixed < 2 * block + 4e6, "%.2f blocks", mixed / block);
    ck_assert_msg(all < 2 * block + 4e6, "%.2f blocks", all / block);
    ck_assert(dots[0] == dots[MANY - 1]);
}
END_TEST

/* --- scores ----------------------------------------------------------------------------------- */

/* ten held-out examples, of which 1, 4, 6 and 9 are attacked */
static const int32_t PROBE[4] = {1, 4, 6, 9};

static marks ten(const char *right, const char *sturdy, uint8_t *bits) {
    for (int i = 0; i < 10; i++)
        bits[i] = right[i] == '1';
    for (int i = 0; i < 4; i++)
        bits[10 + i] = sturdy[i] == '1';
    return (marks){.n = 10, .m = 4, .right = bits, .sturdy = bits + 10, .probe = PROBE};
}

START_TEST(scores) {
    uint8_t x[14], y[14];
    const marks a = ten("1111110000", "1000", x), b = ten("1111100111", "1010", y);
    ck_assert_int_eq(marks_right(&a), 6);
    ck_assert_int_eq(marks_sturdy(&b), 2);
    ck_assert(marks_score(&a, 0.0) == 0.6 && marks_score(&a, 1.0) == 0.25);
    ck_assert_double_eq_tol(marks_score(&b, 0.25), 0.25 * 0.5 + 0.75 * 0.8, 1e-15);
    /* sqrt(p (1 - p) / (n - 1)) */
    ck_assert_double_eq_tol(marks_error(&a, 0.0), sqrt(0.6 * 0.4 / 9), 1e-15);
    ck_assert_double_eq_tol(marks_error(&a, 1.0), sqrt(0.25 * 0.75 / 3), 1e-15);
    /* attacked (1, 4, 6, 9): .0625 + .075 of 1, .075, 0, 0; the other six: .075 x 4, 0, 0;
     * sqrt(4 var(attacked) + 6 var(others)), sample variances by Python's statistics */
    ck_assert_double_eq_tol(marks_error(&a, 0.25), 0.16326741867255695, 1e-14);
}
END_TEST

START_TEST(differences) {
    uint8_t x[14], y[14];
    const marks a = ten("1111110000", "1000", x), b = ten("1111100111", "1010", y);
    comparison c = marks_compare(&a, &b, 0.0); /* right: one lost, three gained */
    ck_assert(c.gained == 3 && c.lost == 1);
    ck_assert_double_eq_tol(c.difference, 0.2, 1e-15);
    ck_assert_double_eq_tol(c.error, sqrt((4.0 / 10 - 0.04) / 9), 1e-15);
    ck_assert_double_eq_tol(c.p, 0.625, 1e-15); /* 2 (1 + 4) / 16 */
    c = marks_compare(&a, &b, 1.0);
    ck_assert(c.gained == 1 && c.lost == 0 && c.p == 1.0);
    ck_assert_double_eq_tol(c.error, sqrt((1.0 / 4 - 1.0 / 16) / 3), 1e-15);
    c = marks_compare(&a, &a, 0.5);
    ck_assert(c.difference == 0.0 && c.error == 0.0 && isnan(c.p));
    c = marks_compare(&b, &a, 0.25);
    ck_assert_double_eq_tol(c.difference, -(0.25 * 0.25 + 0.75 * 0.2), 1e-15);
    ck_assert(c.gained == 0 && c.lost == 1);
}
END_TEST

/* a constant classifier withstands every attack on its class: the guard sees that */
START_TEST(guard) {
    enum { n = 200, m = 100 };
    static uint8_t good[n], constant[n], few[m], half[m];
    static int32_t probe[m];
    for (int i = 0; i < n; i++) {
        good[i] = i % 20 != 0;
        constant[i] = i % 4 < 2;
    }
    for (int i = 0; i < m; i++) {
        probe[i] = 2 * i;
        few[i] = i % 10 == 1;
        half[i] = i % 2 == 0;
    }
    const marks best = {n, m, good, few, probe}, flat = {n, m, constant, half, probe};
    greedy_rule r = {.weight = 1.0, .guard = 3.0};
    soup_decision d = {.step = 1};
    greedy_judge(&r, &best, "v00", &best, &flat, &d);
    ck_assert(!d.accepted && d.behind > 3.0 && d.after == 0.5 && d.before == 0.1);
    ck_assert_msg(strstr(d.reason, "guard: its accuracy of 50.0 %") &&
                      strstr(d.reason, "below the 95.0 % of v00"),
                  "%s", d.reason);
    r.guard = 0.0;
    greedy_judge(&r, &best, "v00", &best, &flat, &d);
    ck_assert_msg(d.accepted && strstr(d.reason, "rises by 40.0"), "%s", d.reason);
    /* the weighted score sees it too: .5 (.1 + .95) against .5 (.5 + .5) */
    r.weight = 0.5;
    greedy_judge(&r, &best, "v00", &best, &flat, &d);
    ck_assert(!d.accepted && isnan(d.change.p));
}
END_TEST

START_TEST(ties) {
    uint8_t x[14], y[14];
    const marks a = ten("1111110000", "1000", x), b = ten("1111110000", "0100", y);
    greedy_rule r = {.weight = 1.0, .guard = 3.0};
    soup_decision d = {.step = 1};
    greedy_judge(&r, &a, "v00", &a, &b, &d);
    ck_assert(d.accepted && d.tie && d.change.gained == 1 && d.change.lost == 1);
    ck_assert_str_eq(d.reason, "a tie: the same score");
    r.strict = 1;
    greedy_judge(&r, &a, "v00", &a, &b, &d);
    ck_assert(!d.accepted && d.tie);
    ck_assert_str_eq(d.reason, "a tie: the same score, and the rule asks for a rise");
    const marks c = ten("1111110000", "1100", y);
    greedy_judge(&r, &a, "v00", &a, &c, &d);
    ck_assert(d.accepted && d.tie);
    ck_assert_str_eq(d.reason, "a near-tie: rises by 25.0, standard error 25.0");
}
END_TEST

int main(void) {
    Suite *s = suite_create("soup");
    TCase *t = tcase_create("soup");
    tcase_add_test(t, mean_is_the_mean);
    tcase_add_test(t, mean_of_one_is_that_one);
    tcase_add_test(t, weights_and_products);
    tcase_add_test(t, refuses_what_does_not_fit);
    tcase_add_test(t, refuses_nothing_and_damage);
    if (!SANITIZED)
        tcase_add_test(t, memory_is_two_blocks);
    tcase_add_test(t, scores);
    tcase_add_test(t, differences);
    tcase_add_test(t, guard);
    tcase_add_test(t, ties);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
