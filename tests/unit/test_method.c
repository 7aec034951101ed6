/* how a study writes a pruning method and a pattern */
#include "config/method.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *base;
    int hessian, target, refit, swaps;
} good[] = {
    {"adaptive", "adaptive", -1, -1, 0, 0},  {"magnitude-global", "magnitude-global", -1, -1, 0, 0},
    {"wanda@none", "wanda", 0, 0, 0, 0},     {"sparsegpt@hessian+refit", "sparsegpt", 1, 0, 1, 0},
    {"obc@target+swaps", "obc", 0, 1, 0, 1}, {"random@both+swaps+refit", "random", 1, 1, 1, 1},
};

START_TEST(understood) {
    method_text m;
    ck_assert_int_eq(method_parse(good[_i].text, &m), OK);
    ck_assert_str_eq(m.base, good[_i].base);
    ck_assert(m.hessian == good[_i].hessian && m.target == good[_i].target);
    ck_assert(m.refit == good[_i].refit && m.swaps == good[_i].swaps);
}
END_TEST

static const char *const bad[] = {"",
                                  "Adaptive",
                                  "adaptive@",
                                  "adaptive@all",
                                  "@both",
                                  "wanda+",
                                  "wanda+fast",
                                  "wanda+refit@both",
                                  "wanda@both@none",
                                  "wanda+refit+refit",
                                  "wanda both",
                                  "magnitude-global-and-much-more-than-there-is-room-for@both"};

START_TEST(refused) {
    method_text m;
    ck_assert_int_eq(method_parse(bad[_i], &m), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err_message(), "unknown method"));
}
END_TEST

START_TEST(patterns) {
    static const char *const wrong[] = {"",      "2",       "4:4",   "0:4",  "4:2",
                                        "2:4:8", "2:5000",  "a:b",   "-1:4", "2:4x",
                                        "2:4x0", "2:4x999", "2:4x8y"};
    int keep, of, block;
    ck_assert_int_eq(method_pattern("32:64", &keep, &of, &block), OK);
    ck_assert(keep == 32 && of == 64 && block == 1);
    ck_assert_int_eq(method_pattern("2:4x16", &keep, &of, &block), OK);
    ck_assert(keep == 2 && of == 4 && block == 16);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(method_pattern(wrong[i], &keep, &of, &block), ERR_USAGE);
}
END_TEST

int main(void) {
    Suite *s = suite_create("method");
    TCase *t = tcase_create("method");
    tcase_add_loop_test(t, understood, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, patterns);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
