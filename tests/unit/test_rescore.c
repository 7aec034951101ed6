/* what is read out of recorded queries against what attacking again within the limits gives */
#include "attack/rescore.h"
#include "base/log.h"
#include "scratch.h"
#include "toy_attack.h"

#include <math.h>

enum { TEXTS = 60, MAX_LENGTH = 40 };

static tokenizer *w;
static encoder *victim, *judge;
static attack_options wide; /* what the recorded attacks ran with */
static recipe how;
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

/* nouns of the language, five of them a sense */
static void put_wordnet(void) {
    static const char *const others[] = {"verb", "adj", "adv"};
    char path[64], word[8];
    strbuf data = {0}, index = {0};
    ck_ok(dir_make("wn"));
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "wn/data.%s", others[i]);
        put_text(path, "00000000 03 n 01 nothing 0 000 | x\n");
        snprintf(path, sizeof path, "wn/index.%s", others[i]);
        put_text(path, "nothing n 1 0 1 0 00000000  \n");
        snprintf(path, sizeof path, "wn/%s.exc", others[i]);
        put_text(path, "nil nothing\n");
    }
    for (int i = 0; i < TOY_WORDS; i += 20) {
        size_t at = data.len;
        ck_ok(strbuf_printf(&data, "%08zu 03 n 05 ", at));
        for (int k = i; k < i + 20; k += 4) {
            toy_word(k, word);
            ck_ok(strbuf_printf(&data, "%s 0 ", word));
            ck_ok(strbuf_printf(&index, "%s n 1 0 1 0 %08zu  \n", word, at));
        }
        ck_ok(strbuf_printf(&data, "000 | x\n"));
    }
    put_text("wn/data.noun", data.text);
    put_text("wn/index.noun", index.text);
    put_text("wn/noun.exc", "nil nothing\n");
    strbuf_free(&data);
    strbuf_free(&index);
}

static void record_with(const char *name) {
    snprintf(wide.recipe, sizeof wide.recipe, "%s", name);
    ck_ok(recipe_settle(&wide, &how));
    attack_with(&wide, record);
    int ends[4] = {0};
    for (int i = 0; i < TEXTS; i++)
        ends[record[i].outcome]++;
    ck_assert_msg(ends[ATTACK_SUCCESS] >= 5 && ends[ATTACK_FAILED] >= 4, "%s: %d and %d", name,
                  ends[ATTACK_SUCCESS], ends[ATTACK_FAILED]);
}

static void set_up(void) {
    ck_ok(toy_write("."));
    put_wordnet();
    ck_ok(tokenizer_open("vocab.txt", &w));
    ck_ok(toy_victim(w->V, 3, &victim));
    ck_ok(toy_victim(w->V, 8, &judge));
    wide = toy_options(".");
    snprintf(wide.wordnet, sizeof wide.wordnet, "wn");
    snprintf(wide.similarity_source, sizeof wide.similarity_source, "encoder");
    wide.similarity_layers = judge->c.L;
    wide.similarity_window = 6;
    wide.similarity = 0.7;
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
        const rescored s = rescore(&record[i], how.accept, l);
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
    const attack_counts c = rescore_count(record, TEXTS, how.accept, l, &counted);
    ck_assert(c.n == TEXTS && c.failed == lower && counted == open && lower <= withstood);
    ck_assert_int_eq(c.correct, c.success + c.failed + open);
    ck_assert_int_le(withstood, higher);
    return open;
}

START_TEST(records_follow_the_rule) {
    record_with("textfooler");
    int n = 0, flipped = 0;
    for (int i = 0; i < TEXTS; i++) {
        if (!attacked(i))
            continue;
        ck_ok(rescore_check(&record[i], how.accept));
        n++;
        flipped += record[i].outcome == ATTACK_SUCCESS;
    }
    ck_assert(n >= 20 && flipped >= 5 && flipped < n);
    /* and what does not is refused */
    for (int i = 0; i < TEXTS; i++)
        if (attacked(i) && record[i].changed > 1) {
            attack_result other = record[i];
            other.changed--;
            ck_assert_int_eq(rescore_check(&other, how.accept), ERR_DATA);
            other.changed++;
            other.n_query--;
            ck_assert_int_eq(rescore_check(&other, how.accept), ERR_DATA);
            other.n_query = 0;
            ck_assert_int_eq(rescore_check(&other, how.accept), ERR_DATA);
            return;
        }
    ck_abort_msg("no text with two changes");
}
END_TEST

/* every recipe but bert-attack, which needs a masked-language model, and searches as they do */
static const char *const RECIPE[] = {"textfooler", "textfooler-original", "pwws",
                                     "textbugger", "deepwordbug",         "a2t"};
enum { N_RECIPES = sizeof RECIPE / sizeof *RECIPE };

START_TEST(budgets_are_exact) {
    static const int budgets[] = {1, 2, 5, 9, 14, 20, 27, 35, 60, 1000};
    attack_result again[TEXTS];
    record_with(RECIPE[_i]);
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        attack_options o = wide;
        o.query_budget = budgets[i];
        attack_with(&o, again);
        rescore_limits l = {budgets[i], -INFINITY, 1.0};
        ck_assert_int_eq(compare(again, &l), 0);
        free_all(again);
    }
}
END_TEST

START_TEST(changes_are_exact) {
    static const double shares[] = {0.0, 0.04, 0.1, 0.25, 0.4, 1.0};
    attack_result again[TEXTS];
    record_with(RECIPE[_i]);
    for (size_t i = 0; i < sizeof shares / sizeof *shares && shares[i] <= how.max_changed; i++) {
        attack_options o = wide;
        o.max_changed = shares[i] > 0.0 ? shares[i] : 1e-12; /* 0 is the recipe's own */
        attack_with(&o, again);
        rescore_limits l = {INT64_MAX, -INFINITY, shares[i]};
        ck_assert_int_eq(compare(again, &l), 0);
        free_all(again);
    }
}
END_TEST

START_TEST(similarities_are_bounds) {
    static const double lowest[] = {0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0};
    attack_result again[TEXTS];
    record_with(RECIPE[_i]);
    int most = 0, tested = how.similarity != RECIPE_OWN;
    for (size_t i = 0; i < sizeof lowest / sizeof *lowest && tested; i++) {
        attack_options o = wide;
        o.similarity = lowest[i];
        attack_with(&o, again);
        rescore_limits l = {INT64_MAX, lowest[i], 1.0};
        int open = compare(again, &l);
        ck_assert(i > 0 || open == 0);
        most = open > most ? open : most;
        free_all(again);
        o.query_budget = l.queries = 20; /* both together */
        attack_with(&o, again);
        ck_assert_int_le(compare(again, &l), open);
        free_all(again);
    }
    ck_assert_msg(most > 0 || !tested || _i == 5, "no example was open"); /* a2t: few words */
}
END_TEST

int main(void) {
    log_open(1, LOG_QUIET); /* the toy's neighbours are warned about each time they are opened */
    Suite *s = suite_create("rescore");
    TCase *t = tcase_create("rescore");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, records_follow_the_rule);
    tcase_add_loop_test(t, budgets_are_exact, 0, N_RECIPES);
    tcase_add_loop_test(t, changes_are_exact, 0, N_RECIPES);
    tcase_add_loop_test(t, similarities_are_bounds, 0, N_RECIPES);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
