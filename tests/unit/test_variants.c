/* random variants: what a space may say, what is drawn from it, and which variants are the same */
#include "base/strbuf.h"
#include "config/study.h"
#include "config/variants.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_variants.XXXXXX";

static err read_text(const char *text, study **s) {
    FILE *f = fopen("s.yaml", "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    return study_read("s.yaml", NULL, 0, s);
}

static study *must_read(const char *text) {
    study *s = NULL;
    ck_assert_msg(read_text(text, &s) == OK, "%s", err_message());
    return s;
}

#define SPACE(text) "finetune:\n  random:\n    draw: 4\n    space:\n      " text "\n"

static const struct {
    const char *text, *message;
} refusals[] = {
    {"finetune: {random: 5}\n",
     "s.yaml:1:20: finetune.random: expected draw: N and space: {OPTION: …}, got \"5\""},
    {"finetune: {random: {space: {seed: [1]}}}\n",
     "s.yaml:1:20: finetune.random.draw: how many variants?"},
    {"finetune: {random: {draw: 0, space: {seed: [1]}}}\n",
     "s.yaml:1:27: finetune.random.draw: 0 is out of range: allowed are 1 to 1024 variants"},
    {"finetune: {random: {drow: 1}}\n",
     "s.yaml:1:21: unknown option \"finetune.random.drow\"; there are draw, seed and space"},
    {"finetune: {random: {draw: 2}}\n",
     "s.yaml:1:20: finetune.random.space: expected options and where their values come from, e.g. "
     "{learning_rate: {log_uniform: [1e-5, 1e-3]}}, got none"},
    {"finetune: {random: {draw: 2, space: {}}}\n",
     "s.yaml:1:37: finetune.random.space: expected options and where their values come from, e.g. "
     "{learning_rate: {log_uniform: [1e-5, 1e-3]}}, got none"},
    {SPACE("epoch: [1, 2]"),
     "s.yaml:5:7: unknown option \"epoch\" in the space; did you mean \"epochs\"?"},
    {SPACE("learning_rate: {log_uniform: [0, 1e-3]}"),
     "s.yaml:5:37: finetune.random.space.learning_rate: log_uniform needs bounds above 0, got 0"},
    {SPACE("learning_rate: {log_uniform: [-1e-4, 1e-3]}"),
     "s.yaml:5:37: finetune.random.space.learning_rate: -1e-4 is out of range: allowed are 0 to "
     "1000"},
    {SPACE("learning_rate: {log_uniform: [1e-3, 1e-5]}"),
     "s.yaml:5:37: finetune.random.space.learning_rate: the lowest value (1e-3) must be below the "
     "highest (1e-5)"},
    {SPACE("dropout: {uniform: [0.1, 0.1]}"),
     "s.yaml:5:27: finetune.random.space.dropout: the lowest value (0.1) must be below the highest "
     "(0.1)"},
    {SPACE("dropout: {uniform: [0.1, 1.5]}"),
     "s.yaml:5:32: finetune.random.space.dropout: 1.5 is out of range: allowed are 0 to 0.9 "
     "fraction"},
    {SPACE("dropout: {uniform: [0.1]}"),
     "s.yaml:5:26: finetune.random.space.dropout: expected uniform: [LOWEST, HIGHEST]"},
    {SPACE("dropout: 0.1"),
     "s.yaml:5:16: finetune.random.space.dropout: expected a list of values, {uniform: [LOWEST, "
     "HIGHEST]} or {log_uniform: [LOWEST, HIGHEST]}"},
    {SPACE("dropout: {normal: [0, 1]}"),
     "s.yaml:5:16: finetune.random.space.dropout: expected a list of values, {uniform: [LOWEST, "
     "HIGHEST]} or {log_uniform: [LOWEST, HIGHEST]}"},
    {SPACE("init: {uniform: [pretrained, random]}"),
     "s.yaml:5:23: finetune.random.space.init: uniform is for numbers; give a list of values to "
     "choose from"},
    {SPACE("dropout: []"),
     "s.yaml:5:16: finetune.random.space.dropout: expected a list of values to choose from"},
    {SPACE("dropout: [0.1, 1e-1]"),
     "s.yaml:5:22: finetune.random.space.dropout: 1e-1 is listed twice"},
    {SPACE("seed: [1, 2, 3]"),
     "s.yaml:3:5: finetune.random: draw is 4, but the space has only 3 different variants"},
    {"finetune:\n  variants: [{name: r01}]\n  random: {draw: 2, space: {seed: [1, 2]}}\n",
     "s.yaml:3:11: two variants are called \"r01\": variant 1 and variant 3"},
};

START_TEST(refuses) {
    study *s = NULL;
    ck_assert_int_eq(read_text(refusals[_i].text, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), refusals[_i].message);
    ck_assert_ptr_null(s);
}
END_TEST

#define DRAWN(n, more)                                                                             \
    "seed: 5\nfinetune:\n  epochs: 7\n  variants: [{name: mine}]\n  random:\n    draw: " n         \
    "\n    space:\n      learning_rate: {log_uniform: [1e-5, 1e-2]}\n"                             \
    "      dropout: {uniform: [0.1, 0.3]}\n      batch: [16, 32]\n" more

START_TEST(draws) {
    study *s = must_read(DRAWN("400", "      warmup: [0.0, 0.1]\n"));
    ck_assert_int_eq(s->n_variants, 401);
    ck_assert_str_eq(s->variants[0].name, "mine");
    ck_assert_str_eq(s->variants[1].name, "r00");
    ck_assert_str_eq(s->variants[400].name, "r399");
    int decade[3] = {0}, small = 0;
    double dropout = 0;
    for (int i = 1; i <= 400; i++) {
        const finetune_options *o = &s->variants[i].o;
        ck_assert(o->learning_rate >= 1e-5 && o->learning_rate <= 1e-2);
        ck_assert(o->dropout >= 0.1 && o->dropout <= 0.3);
        ck_assert(o->epochs == 7 && o->seed == 5);
        decade[(int)fmin(log10(o->learning_rate) + 5, 2)]++;
        small += o->batch == 16;
        dropout += o->dropout / 400;
    }
    /* five standard deviations of the binomial counts and of the mean */
    for (int d = 0; d < 3; d++)
        ck_assert_int_lt(abs(decade[d] - 133), 48);
    ck_assert_int_lt(abs(small - 200), 50);
    ck_assert(fabs(dropout - 0.2) < 0.015);
    study_free(&s);
}
END_TEST

static void ck_same_line(const variant *a, const variant *b) {
    strbuf one = {0}, other = {0};
    ck_assert_int_eq(variants_line(a, &one), OK);
    ck_assert_int_eq(variants_line(b, &other), OK);
    ck_assert_str_eq(one.text, other.text);
    strbuf_free(&one);
    strbuf_free(&other);
}

/* what was drawn stays when more is drawn, and an option more changes no other option */
START_TEST(draws_stay) {
    study *few = must_read(DRAWN("5", "")), *many = must_read(DRAWN("9", ""));
    study *wide = must_read(DRAWN("5", "      epochs: {uniform: [1, 1000]}\n"));
    int epochs = 0;
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(few->variants[i].name, many->variants[i].name);
        ck_same_line(&few->variants[i], &many->variants[i]);
        ck_assert(few->variants[i].o.learning_rate == wide->variants[i].o.learning_rate);
        ck_assert(few->variants[i].o.dropout == wide->variants[i].o.dropout);
        epochs += wide->variants[i].o.epochs != 7;
    }
    ck_assert_int_ge(epochs, 4);
    study_free(&few);
    study_free(&many);
    study_free(&wide);
}
END_TEST

/* a space that is drawn empty: every combination, none twice; whole numbers reach both ends */
START_TEST(draws_a_space_empty) {
    study *s = must_read("finetune:\n  random:\n    seed: 3\n    draw: 12\n    space:\n"
                         "      epochs: {uniform: [2, 4]}\n      batch: {log_uniform: [1, 2]}\n"
                         "      dropout: [0.0, 0.5]\n");
    int seen[3][2][2] = {0};
    for (int i = 0; i < 12; i++) {
        const finetune_options *o = &s->variants[i].o;
        ck_assert(o->epochs >= 2 && o->epochs <= 4 && o->batch >= 1 && o->batch <= 2);
        ck_assert_int_eq(seen[o->epochs - 2][o->batch - 1][o->dropout > 0]++, 0);
    }
    study_free(&s);
}
END_TEST

START_TEST(seeds_differ) {
    static const char *const text[] = {
        "seed: 1\n" SPACE("dropout: {uniform: [0, 0.9]}"),
        "seed: 2\n" SPACE("dropout: {uniform: [0, 0.9]}"),
        "seed: 2\nfinetune:\n  random:\n    draw: 4\n    seed: 1\n    space:\n      "
        "dropout: {uniform: [0, 0.9]}\n"};
    study *s[3];
    for (int i = 0; i < 3; i++)
        s[i] = must_read(text[i]);
    for (int i = 0; i < 4; i++) {
        ck_assert(s[0]->variants[i].o.dropout != s[1]->variants[i].o.dropout);
        ck_assert(s[0]->variants[i].o.dropout == s[2]->variants[i].o.dropout);
    }
    for (int i = 0; i < 3; i++)
        study_free(&s[i]);
}
END_TEST

/* the effective configuration lists the draws, and reads back to the same study */
START_TEST(round_trip) {
    study *s = must_read(DRAWN("20", "      init: [pretrained, random]\n"));
    strbuf first = {0}, second = {0};
    ck_assert_int_eq(study_write(s, &first), OK);
    study_free(&s);
    s = must_read(first.text);
    ck_assert_int_eq(s->n_variants, 21);
    ck_assert_int_eq(study_write(s, &second), OK);
    ck_assert_str_eq(first.text, second.text);
    study_free(&s);
    strbuf_free(&first);
    strbuf_free(&second);
}
END_TEST

START_TEST(twins) {
    study *s = must_read("seed: 4\nfinetune:\n  epochs: 2\n  variants:\n    - {name: a}\n"
                         "    - {name: b, epochs: 3}\n    - {name: c, seed: 4}\n"
                         "    - {name: d, seed: 5}\n    - {name: e, epochs: 3}\n"
                         "    - {name: f, learning_rate: 0.00002}\n");
    int twin[6], want[6] = {-1, -1, 0, -1, 1, 0};
    ck_assert_int_eq(variants_twins(s->variants, 6, twin), OK);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(twin[i], want[i]);
    study_free(&s);
}
END_TEST

int main(void) {
    if (!mkdtemp(folder) || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    Suite *suite = suite_create("variants");
    TCase *t = tcase_create("variants");
    tcase_add_loop_test(t, refuses, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(t, draws);
    tcase_add_test(t, draws_stay);
    tcase_add_test(t, draws_a_space_empty);
    tcase_add_test(t, seeds_differ);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, twins);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink("s.yaml");
    if (rmdir(folder) != 0)
        perror(folder);
    return failed != 0;
}
