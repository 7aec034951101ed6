/* the uniform mean of models in folders. */
#include "io/atomic_file.h"
#include "soup/soup.h"
#include "toy.h"

#include <check.h>
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
    ck_ok(soup_mean(k->s, index, 3, &mean));
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
    ck_ok(soup_mean(k->s, index, 1, &mean));
    ck_assert(toy_same(mean, k->m[3]));
    encoder_destroy(&mean);
    kitchen_close(k);
}
END_TEST

static void refused(const kitchen *k, int code, const char *why) {
    int index[3] = {0, 1, 2};
    encoder *mean = NULL;
    ck_assert_int_eq(soup_mean(k->s, index, 3, &mean), code);
    ck_assert_ptr_null(mean);
    ck_assert_msg(strstr(err_message(), why) != NULL, "%s", err_message());
    ck_assert_ptr_nonnull(strstr(err_message(), k->s[0].dir));
    ck_assert_ptr_nonnull(strstr(err_message(), k->s[2].dir));
}

START_TEST(mean_refuses_what_does_not_fit) {
    kitchen *k = kitchen_open();
    write_text(k->s[2].dir, "vocab.txt", "[UNK]\n[PAD]\n");
    refused(k, ERR_DATA, "vocabularies");

    snprintf(k->m[2]->c.label[0], sizeof k->m[2]->c.label[0], "other");
    ck_ok(encoder_save(k->m[2], k->s[2].dir, NULL));
    refused(k, ERR_DATA, "classes");

    encoder_config c = toy_config(2, 0);
    encoder *wide;
    c.F = 48;
    ck_ok(encoder_create(&c, &wide));
    encoder_init(wide, 1);
    ck_ok(encoder_save(wide, k->s[2].dir, NULL));
    refused(k, ERR_DATA, "shape");
    encoder_destroy(&wide);

    encoder *mean;
    ck_assert_int_eq(soup_mean(k->s, NULL, 0, &mean), ERR_FAILED);
    kitchen_close(k);
}
END_TEST

int main(void) {
    Suite *s = suite_create("soup");
    TCase *t = tcase_create("soup");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, mean_is_the_mean);
    tcase_add_test(t, mean_of_one_is_that_one);
    tcase_add_test(t, mean_refuses_what_does_not_fit);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
