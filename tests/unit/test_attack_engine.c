/* the engine: examples that share batches are attacked as each alone; what one of them cannot do
 * stops none of the others */
#include "attack/engine.h"
#include "attack/parts.h"
#include "io/hash.h"
#include "slow_attack.h"

#include <unistd.h>

enum { ROWS = 24, MOST = 64 };

typedef struct rows {
    char text[MOST][TEXT];
    int label[MOST], n, given, slow; /* slow: the feed sleeps before it gives this row */
    attack_result result[MOST];
    err raised[MOST];
    int done[MOST];
} rows;

static err next(void *state, int64_t *unit, const char **text, int *label) {
    rows *r = state;
    *unit = r->given < r->n ? r->given : -1;
    if (*unit < 0)
        return OK;
    if (r->given == r->slow)
        usleep(1100000);
    *text = r->text[r->given];
    *label = r->label[r->given++];
    return OK;
}

static err take(void *state, int64_t unit, err e, attack_result *x) {
    rows *r = state;
    ck_assert_int_eq(r->done[unit], 0);
    r->done[unit]++;
    r->raised[unit] = e;
    r->result[unit] = *x;
    *x = (attack_result){0};
    return OK;
}

static void free_rows(rows *r) {
    for (int i = 0; i < r->n; i++)
        attack_result_free(&r->result[i]);
    free(r);
}

static rows *make_rows(int n) {
    rows *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->n = n;
    r->slow = -1;
    for (int i = 0; i < n; i++) {
        strbuf text = {0};
        int right;
        ck_ok(toy_text(i, &text));
        strcpy(r->text[i], text.text);
        strbuf_free(&text);
        prob(r->text[i], 0, &right);
        r->label[i] = i % 5 ? !right : right; /* one in five is wrong before the attack */
    }
    return r;
}

static void set_up(void) {
    slow_set_up("");
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
}

static void open_attack(attack **a) {
    attack_setup setup = {
        .o = &o, .w = w, .similarity = judge, .max_length = max_length, .seed = 3};
    ck_ok(attack_open(&setup, a));
}

static engine_work run(rows *r, const encoder *m) {
    attack *a;
    engine *g = NULL;
    feed f = {.state = r, .next = next, .done = take};
    open_attack(&a);
    ck_ok(engine_create(a, &g));
    ck_ok(engine_run(g, ws, m, &f));
    engine_work work = engine_done(g);
    engine_destroy(&g);
    attack_close(&a);
    for (int i = 0; i < r->n; i++)
        ck_assert_int_eq(r->done[i], 1);
    return work;
}

static void ck_same(const attack_result *x, const attack_result *y) {
    strbuf a = {0}, b = {0};
    ck_ok(attack_result_write(x, &a)); /* every number with all its bits, every query */
    ck_ok(attack_result_write(y, &b));
    ck_assert_str_eq(a.text, b.text);
    strbuf_free(&a);
    strbuf_free(&b);
}

static const char *const recipes[] = {"textfooler", "textfooler-original", "pwws",
                                      "textbugger", "deepwordbug",         "a2t"};

/* one by one, and in batches of any size with any number in flight */
START_TEST(batches_do_not_matter) {
    static const int limits[][2] = {{1, 1}, {40, 2}, {300, 7}, {2000, 64}, {100000, 64}, {70, 64}};
    rows *alone = make_rows(ROWS);
    attack *a;
    snprintf(o.recipe, sizeof o.recipe, "%s", recipes[_i]);
    open_attack(&a);
    for (int i = 0; i < ROWS; i++)
        ck_ok(attack_one(a, ws, victim, alone->text[i], alone->label[i], &alone->result[i]));
    attack_close(&a);
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        rows *r = make_rows(ROWS);
        o.batch_tokens = limits[k][0];
        o.in_flight = limits[k][1];
        engine_work work = run(r, victim);
        ck_assert_int_le(work.tokens, work.calls * (limits[k][0] < 64 ? 64 : limits[k][0]));
        for (int i = 0; i < ROWS; i++)
            ck_same(&alone->result[i], &r->result[i]);
        free_rows(r);
    }
    free_rows(alone);
}
END_TEST

/* the study's further recipes: vectors of similarity in common, another measure of the same
 * angles */
START_TEST(vectors_in_common) {
    attack *first, *alone, *second;
    attack_result r[ROWS], x;
    rows *t = make_rows(ROWS);
    attack_setup setup = {
        .o = &o, .w = w, .similarity = judge, .max_length = max_length, .seed = 3};
    snprintf(o.recipe, sizeof o.recipe, "textfooler");
    open_attack(&first);
    for (int i = 0; i < ROWS; i++)
        ck_ok(attack_one(first, ws, victim, t->text[i], t->label[i], &r[i]));
    snprintf(o.recipe, sizeof o.recipe, "textfooler-original");
    open_attack(&alone);
    setup.like = first;
    ck_ok(attack_open(&setup, &second));
    const int64_t before = similarity_work(first->alike).computed;
    for (int i = 0; i < ROWS; i++) {
        ck_ok(attack_one(alone, ws, victim, t->text[i], t->label[i], &t->result[i]));
        ck_ok(attack_one(second, ws, victim, t->text[i], t->label[i], &x));
        ck_same(&t->result[i], &x);
        attack_result_free(&x);
        ck_ok(attack_one(first, ws, victim, t->text[i], t->label[i], &x)); /* by its own measure */
        ck_same(&r[i], &x);
        attack_result_free(&x);
        attack_result_free(&r[i]);
    }
    ck_assert_int_gt(before, 0);
    ck_assert_int_lt(similarity_work(second->alike).computed - before,
                     similarity_work(alone->alike).computed);
    attack_close(&second);
    attack_close(&alone);
    attack_close(&first);
    free_rows(t);
}
END_TEST

/* a label that is no class, and a word whose id the victim does not have: that one is errored */
START_TEST(one_bad_example_stops_nothing) {
    encoder *small;
    rows *good = make_rows(12), *bad = make_rows(12);
    ck_ok(toy_victim(w->V - 1, 3, &small));
    snprintf(o.similarity_source, sizeof o.similarity_source, "none");
    const char *last = tokenizer_piece(w, w->V - 1);
    for (int i = 0; i < 12; i++)
        ck_assert_ptr_null(strstr(good->text[i], last));
    run(good, small);
    bad->label[3] = TOY_LABELS;
    snprintf(bad->text[7], TEXT, "bade %s fogi", last);
    run(bad, small);
    for (int i = 0; i < 12; i++) {
        if (i != 3 && i != 7) {
            ck_same(&good->result[i], &bad->result[i]);
            continue;
        }
        ck_assert_int_eq(bad->result[i].outcome, ATTACK_ERRORED);
        ck_assert_int_eq(bad->raised[i], ERR_DATA);
        ck_assert_int_eq(bad->result[i].label, bad->label[i]);
    }
    ck_assert_ptr_nonnull(strstr(bad->result[3].final_text, "classes"));
    ck_assert_ptr_nonnull(strstr(bad->result[7].final_text, "vocabulary"));
    free_rows(good);
    free_rows(bad);
    encoder_destroy(&small);
}
END_TEST

/* the second row comes more than a second after the first was begun */
START_TEST(an_example_may_take_too_long) {
    rows *r = make_rows(6);
    o.time_out = 1;
    r->slow = 2;
    run(r, victim);
    ck_assert_int_eq(r->result[1].outcome, ATTACK_ERRORED);
    ck_assert_ptr_nonnull(strstr(r->result[1].final_text, "attack.time_out"));
    free_rows(r);
}
END_TEST

/* a text that was asked about before, or cannot be told apart, counts and costs nothing */
START_TEST(each_sequence_once) {
    rows *r = make_rows(ROWS);
    int64_t queries = 0;
    max_length = 12;
    snprintf(o.similarity_source, sizeof o.similarity_source, "none");
    engine_work work = run(r, victim);
    for (int i = 0; i < ROWS; i++) {
        const attack_result *x = &r->result[i];
        queries += x->queries;
        int32_t ids[TEXT];
        int n;
        ck_ok(tokenizer_encode(w, r->text[i], strlen(r->text[i]), ids, TEXT, &n));
        ck_assert_int_eq(x->cut, n > max_length - 2);
        /* words behind the cut rank alike, and as the text itself */
        for (int k = 0; k < x->n_query; k++)
            if (x->query[k].purpose == QUERY_RANK && x->query[k].word > 12)
                ck_assert(x->query[k].prob == x->prob);
    }
    ck_assert_int_lt(work.sequences, queries * 9 / 10);
    free_rows(r);
}
END_TEST

START_TEST(odd_texts_by_every_recipe) {
    static const char *const odd[] = {
        "",     " ",          "...",      "'",    "baba",    "unknownword",  "\u65e5\u672c",
        "b",    "baba fafe.", "- -- ---", "bade", "BADE !!", "\u00e9\u00e8", "\xff\xfe bade",
        "1 22", "[UNK] bade"};
    rows *r = make_rows(0);
    r->n = sizeof odd / sizeof *odd;
    for (int i = 0; i < r->n; i++) {
        int right;
        strcpy(r->text[i], odd[i]);
        prob(odd[i], 0, &right);
        r->label[i] = !right;
    }
    snprintf(o.recipe, sizeof o.recipe, "%s", recipes[_i]);
    run(r, victim);
    for (int i = 0; i < r->n; i++) {
        const attack_result *x = &r->result[i];
        ck_assert_msg(r->raised[i] == OK, "\"%s\": %s", odd[i], x->final_text);
        ck_assert_int_le(x->changed, x->words);
        if (x->words == 0 || i == 4 || i == 8) /* nothing, or stop words */
            ck_assert(x->outcome == ATTACK_FAILED && x->changed == 0 && x->n_order == 0 &&
                      strcmp(x->final_text, odd[i]) == 0);
    }
    free_rows(r);
}
END_TEST

static err broken_next(void *state, int64_t *unit, const char **text, int *label) {
    rows *r = state;
    CHECK(r->given < 5, ERR_IO, "the feed is broken");
    return next(state, unit, text, label);
}

/* an error of the feed ends the run; the engine can be used again */
START_TEST(a_broken_feed) {
    rows *r = make_rows(8), *again = make_rows(8);
    attack *a;
    engine *g = NULL;
    feed f = {.state = r, .next = broken_next, .done = take},
         good = {.state = again, .next = next, .done = take};
    open_attack(&a);
    ck_ok(engine_create(a, &g));
    ck_assert_int_eq(engine_run(g, ws, victim, &f), ERR_IO);
    ck_ok(engine_run(g, ws, victim, &good));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(again->done[i], 1);
    engine_destroy(&g);
    attack_close(&a);
    free_rows(r);
    free_rows(again);
}
END_TEST

int main(void) {
    Suite *s = suite_create("engine");
    TCase *c = tcase_create("flights");
    tcase_add_checked_fixture(c, set_up, slow_tear_down);
    tcase_add_loop_test(c, batches_do_not_matter, 0, 6);
    tcase_add_test(c, vectors_in_common);
    tcase_add_test(c, one_bad_example_stops_nothing);
    tcase_add_test(c, an_example_may_take_too_long);
    tcase_add_test(c, each_sequence_once);
    tcase_add_loop_test(c, odd_texts_by_every_recipe, 0, 6);
    tcase_add_test(c, a_broken_feed);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
