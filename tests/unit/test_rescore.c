/* what is read out of recorded queries against what attacking again within the limits gives */
#include "attack/rescore.h"
#include "scratch.h"
#include "toy_attack.h"

#include <math.h>

enum { TEXTS = 60, MAX_LENGTH = 40 };

static tokenizer *w;
static encoder *victim, *judge;
static attack_options wide; /* what the recorded attacks ran with */
static attack_result record[TEXTS];

static void attack_with(const attack_options *o, attack_result *r) {
    attack *a = NULL;
    encoder_ws *ws = NULL;
    attack_setup setup = {.o = o, .w = w, .similarity = judge, .max_length = MAX_LENGTH};
    ck_ok(attack_open(&setup, &a));
    ck_ok(encoder_ws_create(&victim->c, &ws));
    for (int i = 0; i < TEXTS; i++) {
        strbuf text = {0};
        ck_ok(toy_text(i, &text));
        ck_ok(attack_one(a, ws, victim, text.text, i % 2, &r[i]));
        strbuf_free(&text);
    }
    encoder_ws_destroy(&ws);
    attack_close(&a);
}

static void free_all(attack_result *r) {
    for (int i = 0; i < TEXTS; i++)
        attack_result_free(&r[i]);
}

static void set_up(void) {
    ck_ok(toy_write("."));
    ck_ok(tokenizer_open("vocab.txt", &w));
    ck_ok(toy_victim(w->V, 3, &victim));
    ck_ok(toy_victim(w->V, 8, &judge));
    wide = toy_options(".");
    snprintf(wide.similarity_source, sizeof wide.similarity_source, "encoder");
    wide.similarity_window = 6;
    wide.similarity = 0.7;
    attack_with(&wide, record);
}

static void tear_down(void) {
    free_all(record);
    tokenizer_close(&w);
    encoder_destroy(&victim);
    encoder_destroy(&judge);
}

static int attacked(int i) {
    return record[i].outcome == ATTACK_SUCCESS || record[i].outcome == ATTACK_FAILED;
}

/* an open example may have come to either outcome; a known one must be equal in all; -> open ones
 */
static int compare(const attack_result *again, const rescore_limits *l) {
    int open = 0, lower = 0, higher = 0, withstood = 0;
    for (int i = 0; i < TEXTS; i++) {
        if (!attacked(i))
            continue;
        const rescored s = rescore(&record[i], RESCORE_LOWER, l);
        open += s.open;
        lower += !s.open && s.outcome == ATTACK_FAILED;
        higher += s.open || s.outcome == ATTACK_FAILED;
        withstood += again[i].outcome == ATTACK_FAILED;
        ck_assert_msg(s.open || (s.outcome == again[i].outcome && s.queries == again[i].queries &&
                                 s.changed == again[i].changed),
                      "text %d: %d, %lld queries, %d changed; attacked again: %d, %lld, %d", i,
                      (int)s.outcome, (long long)s.queries, s.changed, (int)again[i].outcome,
                      (long long)again[i].queries, again[i].changed);
    }
    int64_t counted;
    const attack_counts c = rescore_count(record, TEXTS, RESCORE_LOWER, l, &counted);
    ck_assert(c.n == TEXTS && c.failed == lower && counted == open && lower <= withstood);
    ck_assert_int_eq(c.correct, c.success + c.failed + open);
    ck_assert_int_le(withstood, higher);
    return open;
}

START_TEST(records_follow_the_rule) {
    int n = 0, flipped = 0;
    for (int i = 0; i < TEXTS; i++) {
        if (!attacked(i))
            continue;
        ck_ok(rescore_check(&record[i], RESCORE_LOWER));
        n++;
        flipped += record[i].outcome == ATTACK_SUCCESS;
    }
    ck_assert(n >= 20 && flipped >= 5 && flipped < n);
    /* and what does not is refused */
    for (int i = 0; i < TEXTS; i++)
        if (attacked(i) && record[i].changed > 1) {
            attack_result other = record[i];
            other.changed--;
            ck_assert_int_eq(rescore_check(&other, RESCORE_LOWER), ERR_DATA);
            other.changed++;
            other.n_query--;
            ck_assert_int_eq(rescore_check(&other, RESCORE_LOWER), ERR_DATA);
            other.n_query = 0;
            ck_assert_int_eq(rescore_check(&other, RESCORE_LOWER), ERR_DATA);
            return;
        }
    ck_abort_msg("no text with two changes");
}
END_TEST

START_TEST(budgets_are_exact) {
    static const int budgets[] = {1, 2, 5, 9, 14, 20, 27, 35, 60, 1000};
    attack_options o = wide;
    attack_result again[TEXTS];
    o.query_budget = budgets[_i];
    attack_with(&o, again);
    rescore_limits l = {budgets[_i], -INFINITY, 1.0, 0};
    ck_assert_int_eq(compare(again, &l), 0);
    free_all(again);
}
END_TEST

START_TEST(similarities_are_bounds) {
    static const double lowest[] = {0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0};
    attack_options o = wide;
    attack_result again[TEXTS];
    o.similarity = lowest[_i];
    attack_with(&o, again);
    rescore_limits l = {INT64_MAX, lowest[_i], 1.0, 0};
    int open = compare(again, &l);
    ck_assert_msg(_i == 0 ? open == 0 : _i < 3 || open > 0, "%d open", open);
    /* both together */
    free_all(again);
    o.query_budget = l.queries = 20;
    attack_with(&o, again);
    ck_assert_int_le(compare(again, &l), open);
    free_all(again);
}
END_TEST

int main(void) {
    Suite *s = suite_create("rescore");
    TCase *t = tcase_create("rescore");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, records_follow_the_rule);
    tcase_add_loop_test(t, budgets_are_exact, 0, 10);
    tcase_add_loop_test(t, similarities_are_bounds, 0, 7);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
