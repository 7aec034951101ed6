/* a study over seeds: what each repetition is */
#include "base/strbuf.h"
#include "config/seeds.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static study *must_read(const char *text) {
    study *s = NULL;
    FILE *f = fopen("s.yaml", "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), f), strlen(text));
    ck_assert_int_eq(fclose(f), 0);
    err e = study_read("s.yaml", NULL, 0, &s);
    unlink("s.yaml");
    ck_assert_msg(e == OK, "%s", err_message());
    return s;
}

START_TEST(repetitions) {
    study *s = must_read("name: a\nseed: 7\nseeds: [3, 20]\n"
                         "finetune: {variants: [{name: x}, {name: y, seed: 2}]}\n"),
          *one = NULL;
    strbuf text = {0};
    ck_assert_int_eq(study_write(s, &text), OK);
    ck_assert_ptr_nonnull(strstr(text.text, "\nseeds: [3, 20] "));
    strbuf_free(&text);
    ck_assert_int_eq(s->study.seeds.n, 2);
    ck_assert_int_eq(seeds_study(s, 20, &one), OK);
    ck_assert_int_eq(one->study.seed, 20);
    ck_assert_int_eq(one->study.seeds.n, 0);
    ck_assert_int_eq(one->data.seed, 7); /* the same examples in all */
    ck_assert_int_eq(one->variants[0].o.seed, 20007);
    ck_assert_int_eq(one->variants[1].o.seed, 20002);
    ck_assert_str_eq(one->study.directory, "results/a/seed-20");
    study_free(&one);
    s->data.seed = 5;
    strcpy(s->study.directory, "/d");
    ck_assert_int_eq(seeds_study(s, 3, &one), OK);
    ck_assert_int_eq(one->data.seed, 5);
    ck_assert_str_eq(one->study.directory, "/d/seed-3");
    study_free(&one);
    ck_assert_int_eq(seeds_study(s, 4, &one), ERR_USAGE);
    ck_assert_str_eq(err_message(), "s.yaml: seed 4 is none of the study's: 3, 20");
    memset(s->study.directory, 'd', sizeof s->study.directory - 1);
    ck_assert_int_eq(seeds_study(s, 3, &one), ERR_USAGE);
    ck_assert_ptr_null(one);
    study_free(&s);
}
END_TEST

int main(void) {
    char folder[] = "/tmp/test_seeds.XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    Suite *suite = suite_create("seeds");
    TCase *t = tcase_create("seeds");
    tcase_add_test(t, repetitions);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    rmdir(folder);
    return failed != 0;
}
