/* queries and changes of an example survive their line of the journal, bit by bit */
#include "attack/trace.h"
#include "base/rng.h"
#include "io/base64.h"
#include "io/json.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ck_ok(e) ck_assert_msg((e) == OK, "%s", err_message())

/* RFC 4648, section 10 */
static const struct {
    const char *bytes, *text;
} known[] = {{"", ""},
             {"f", "Zg=="},
             {"fo", "Zm8="},
             {"foo", "Zm9v"},
             {"foob", "Zm9vYg=="},
             {"fooba", "Zm9vYmE="},
             {"foobar", "Zm9vYmFy"}};

START_TEST(base64_is_rfc_4648s) {
    strbuf text = {0}, back = {0};
    ck_ok(base64_encode(known[_i].bytes, strlen(known[_i].bytes), &text));
    ck_assert_str_eq(text.text ? text.text : "", known[_i].text);
    ck_ok(base64_decode(known[_i].text, &back));
    ck_assert_str_eq(back.text ? back.text : "", known[_i].bytes);
    strbuf_free(&text);
    strbuf_free(&back);
}
END_TEST

START_TEST(base64_refuses) {
    static const char *const bad[] = {"Zg",   "Zg=",  "Z===",     "Zm9v=", "Zm 9",   "Zh==",
                                      "Zm9=", "Z=9v", "Zg==Zg==", "====",  "Zm9\xc3"};
    strbuf out = {0};
    ck_assert_int_eq(base64_decode(bad[_i], &out), ERR_DATA);
    strbuf_free(&out);
}
END_TEST

static attack_query query(rng_stream *r, int i) {
    attack_query q = {.text = (uint64_t)rng_below(r, 1u << 31) << 33 | rng_below(r, 1u << 31),
                      .prob = i % 5 ? rng_normal(r) : 5e-324,
                      .predicted = i % 7 ? (int)rng_below(r, 4) : 300,
                      .purpose = (attack_purpose)(i % 3),
                      .word = i % 4   ? i / 4
                              : i % 8 ? 70000
                                      : -1,
                      .similarity = i % 2 ? rng_normal(r) : (double)NAN,
                      .taken = i % 6 == 0};
    return q;
}

static int same_real(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static int same_query(const attack_query *a, const attack_query *b) {
    return a->text == b->text && same_real(a->prob, b->prob) && a->predicted == b->predicted &&
           a->purpose == b->purpose && a->word == b->word && a->taken == b->taken &&
           same_real(a->similarity, b->similarity);
}

static void make_result(attack_result *r, int n) {
    rng_stream random = rng_open(1, RNG_TEST, (uint32_t)n, 0);
    *r = (attack_result){.outcome = ATTACK_SUCCESS,
                         .label = 1,
                         .words = 9,
                         .queries = n,
                         .prob = 0.1,
                         .final_prob = 1.0 / 3.0,
                         .similarity = NAN};
    for (int i = 0; i < n; i++) {
        attack_query q = query(&random, i);
        ck_ok(attack_result_add(r, &q));
    }
    if (n > 1) {
        ck_ok(attack_result_change(r, 3, "it's \"x\"\t\\", "naïve – 世界"));
        ck_ok(attack_result_change(r, 0, "", "two words"));
    }
    ck_assert_ptr_nonnull(r->final_text = strdup("a\nb"));
}

START_TEST(results_come_back) {
    attack_result r, back;
    strbuf line = {0};
    make_result(&r, _i);
    ck_ok(attack_result_write(&r, &line));
    ck_assert_ptr_null(strchr(line.text, '\n'));
    ck_ok(attack_result_read(line.text, &back));
    ck_assert_int_eq(back.n_query, _i);
    for (int i = 0; i < _i; i++)
        ck_assert_msg(same_query(&r.query[i], &back.query[i]), "query %d of %d", i, _i);
    ck_assert_int_eq(back.changed, r.changed);
    for (int i = 0; i < r.changed; i++) {
        ck_assert_int_eq(back.change[i].word, r.change[i].word);
        ck_assert_str_eq(back.change[i].from, r.change[i].from);
        ck_assert_str_eq(back.change[i].to, r.change[i].to);
    }
    ck_assert_str_eq(back.final_text, "a\nb");
    ck_assert(back.final_prob == 1.0 / 3.0 && isnan(back.similarity) && back.queries == _i);
    attack_result_free(&r);
    attack_result_free(&back);
    strbuf_free(&line);
}
END_TEST

/* the header's promise: 18 bytes, 26 with a similarity, up to four for another word; as text 4 / 3
 */
START_TEST(queries_are_small) {
    attack_result r;
    strbuf text = {0};
    make_result(&r, 1000);
    ck_ok(trace_write(r.query, r.n_query, &text));
    ck_assert_uint_le(text.len, 4 * ((1000 * (18 + 4 + 1) + 500 * 8) / 3 + 1));
    attack_result_free(&r);
    strbuf_free(&text);
}
END_TEST

/* every cut and every changed byte is an error or another list, never a crash */
START_TEST(damage_is_seen) {
    attack_result r, back = {0};
    strbuf text = {0}, packed = {0}, cut = {0};
    make_result(&r, 3);
    ck_ok(trace_write(r.query, r.n_query, &text));
    ck_ok(base64_decode(text.text, &packed));
    int refused = 0;
    for (size_t n = 1; n < packed.len; n++) {
        strbuf_clear(&cut);
        ck_ok(base64_encode(packed.text, n, &cut));
        const err e = trace_read(cut.text, &back);
        ck_assert(e == OK || e == ERR_DATA);
        refused += e == ERR_DATA;
        ck_assert(e == ERR_DATA || back.n_query < 3);
        attack_result_free(&back);
    }
    ck_assert_int_ge(refused, (int)packed.len - 4); /* whole queries are what remains */
    const char flags = 3;                           /* no such purpose */
    strbuf_clear(&cut);
    ck_ok(base64_encode(&flags, 1, &cut));
    ck_assert_int_eq(trace_read(cut.text, &back), ERR_DATA);
    attack_result_free(&r);
    attack_result_free(&back);
    strbuf_free(&text);
    strbuf_free(&packed);
    strbuf_free(&cut);
}
END_TEST

int main(void) {
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("trace");
    tcase_add_loop_test(t, base64_is_rfc_4648s, 0, sizeof known / sizeof *known);
    tcase_add_loop_test(t, base64_refuses, 0, 11);
    tcase_add_loop_test(t, results_come_back, 0, 70);
    tcase_add_test(t, queries_are_small);
    tcase_add_test(t, damage_is_seen);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
