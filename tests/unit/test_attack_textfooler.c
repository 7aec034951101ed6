/* TextFooler against its slow reference */
#include "io/hash.h"
#include "slow_attack.h"
#include "text/words.h"

enum { TEXTS = 120 };

static void set_up(void) {
    slow_set_up("");
}

typedef struct plain {
    attack_outcome outcome;
    int order[64], n_order, changed;
    int64_t queries;
    double prob, final_prob, similarity;
    char text[TEXT];
} plain;

static int left(const plain *r) {
    return o.query_budget == 0 || r->queries < o.query_budget;
}

static void rank_slowly(plain *r, int label) {
    double drop[64];
    char word[TEXT], text[TEXT];
    int right;
    for (int i = 0; i < count_words(r->text) && left(r); i++) {
        word_at(r->text, i, word);
        if (strcmp(word, "baba") == 0 || strcmp(word, "fafe") == 0)
            continue;
        changed(r->text, i, NULL, text);
        double p = prob(text, label, &right);
        r->queries++;
        int at = r->n_order++;
        for (; at > 0 && drop[at - 1] > p; at--) {
            drop[at] = drop[at - 1];
            r->order[at] = r->order[at - 1];
        }
        drop[at] = p;
        r->order[at] = i;
    }
}

/* try all candidates for word i; keep the best by probability, or of those that flip by similarity
 */
static void replace_slowly(plain *r, int i, int label) {
    char word[TEXT], other[TEXT], text[TEXT], best[TEXT] = "", chosen[TEXT] = "";
    double best_p = 2.0, best_alike = NAN, chosen_alike = -1.0, chosen_p = 0.0;
    int best_right = 1, right;
    size_t k;
    json_t *v;
    const int noun_verb = strcmp(o.part_of_speech, "strict") != 0;
    word_at(r->text, i, word);
    for (char *c = strcpy(other, word); *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const json_t *list = json_object_get(near, other);
    json_array_foreach(list, k, v) {
        int a = class_of(word), b = class_of(json_string_value(v));
        in_case(word, json_string_value(v), other);
        if (strcmp(word, other) == 0 || !(a == b || (noun_verb && a < 2 && b < 2)))
            continue;
        changed(r->text, i, other, text);
        double s = NAN;
        if (strcmp(o.similarity_source, "encoder") == 0 &&
            count_words(r->text) >= o.similarity_window)
            s = alike(r->text, text, i);
        if (s < o.similarity || !left(r))
            continue;
        double p = prob(text, label, &right);
        r->queries++;
        if (p < best_p) {
            best_p = p;
            best_alike = s;
            best_right = right;
            strcpy(best, text);
        }
        if (!right && s > chosen_alike) {
            chosen_alike = s;
            chosen_p = p;
            strcpy(chosen, text);
        }
    }
    if (best_p >= r->final_prob)
        return;
    int flip_by_likeness = !best_right && chosen_alike > 0;
    double s = flip_by_likeness ? chosen_alike : best_alike;
    strcpy(r->text, flip_by_likeness ? chosen : best);
    r->final_prob = flip_by_likeness ? chosen_p : best_p;
    r->similarity = isnan(r->similarity) || s < r->similarity ? s : r->similarity;
    r->changed++;
    if (!best_right)
        r->outcome = ATTACK_SUCCESS;
}

static void attack_slowly(const char *text, int label, plain *r) {
    int right;
    *r = (plain){.outcome = ATTACK_FAILED, .queries = 1, .similarity = NAN};
    snprintf(r->text, sizeof r->text, "%s", text);
    r->prob = r->final_prob = prob(text, label, &right);
    if (!right) {
        r->outcome = ATTACK_SKIPPED;
        return;
    }
    rank_slowly(r, label);
    for (int k = 0; k < r->n_order && r->outcome == ATTACK_FAILED; k++)
        replace_slowly(r, r->order[k], label);
}

/* --- comparison ------------------------------------------------------------------------------- */

/* of float32 probabilities and similarities of texts in batches of another shape */
static const double ROUNDING = 1e-5;

static int same(const plain *x, const attack_result *r) {
    return x->outcome == r->outcome && x->queries == r->queries && x->changed == r->changed &&
           x->n_order == r->n_order &&
           (x->n_order == 0 ||
            memcmp(x->order, r->order, (size_t)r->n_order * sizeof *r->order) == 0) &&
           strcmp(x->text, r->final_text) == 0 && fabs(x->prob - r->prob) < ROUNDING &&
           fabs(x->final_prob - r->final_prob) < ROUNDING &&
           isnan(x->similarity) == isnan(r->similarity) &&
           !(fabs(x->similarity - r->similarity) > ROUNDING);
}

/* putting the changed words into the text gives the last text */
static void check_changes(const attack_result *r, const char *text) {
    arena *scratch;
    wording words;
    strbuf last = {0};
    ck_ok(arena_create(1 << 12, &scratch));
    ck_ok(words_split(scratch, text, &words));
    for (int i = 0; i < r->changed; i++) {
        ck_assert_str_eq(words.word[r->change[i].word], r->change[i].from);
        words.word[r->change[i].word] = r->change[i].to;
    }
    ck_ok(words_join(&words, -1, &last));
    ck_assert_str_eq(last.text, r->final_text);
    strbuf_free(&last);
    arena_destroy(&scratch);
}

/* every query is there, and those taken lead from the first text to the last */
static void check_queries(const attack_result *r, const char *text) {
    int taken = 0;
    uint64_t last = r->query[0].text;
    ck_assert_int_eq(r->n_query, r->queries);
    ck_assert(last == hash_u64(text, strlen(text)) && r->query[0].prob == r->prob);
    for (int i = 0; i < r->n_query; i++) {
        const attack_query *q = &r->query[i];
        ck_assert_int_eq(q->purpose == QUERY_ORIGINAL, i == 0);
        ck_assert(i == 0 || (q->word >= 0 && q->word < r->words));
        taken += q->taken;
        if (q->taken)
            last = q->text;
    }
    ck_assert_int_eq(taken, r->changed);
    ck_assert(last == hash_u64(r->final_text, strlen(r->final_text)));
}

/* attacks every text; counts (4) of the outcomes among those that rounding cannot have decided,
 * which are `least` at least */
static void compare_all(int *counts, int least) {
    attack *a;
    attack_setup setup = {.o = &o, .w = w, .similarity = judge, .max_length = max_length};
    int compared = 0;
    ck_ok(attack_open(&setup, &a));
    for (int i = 0; i < TEXTS; i++) {
        strbuf text = {0};
        plain x;
        attack_result r;
        ck_ok(toy_text(i, &text));
        attack_slowly(text.text, i % 2, &x);
        ck_ok(attack_one(a, ws, victim, text.text, i % 2, &r));
        ck_assert_int_eq(r.words, count_words(text.text));
        check_queries(&r, text.text);
        check_changes(&r, text.text);
        if (r.rank_gap > ROUNDING && r.margin > ROUNDING) {
            compared++;
            counts[r.outcome]++;
            ck_assert_msg(same(&x, &r),
                          "\"%s\": reference %d, %lld queries, %d ranked, %d changed, \"%s\", %g; "
                          "got %d, %lld, %d, %d, \"%s\", %g",
                          text.text, x.outcome, (long long)x.queries, x.n_order, x.changed, x.text,
                          x.similarity, r.outcome, (long long)r.queries, r.n_order, r.changed,
                          r.final_text, r.similarity);
        }
        attack_result_free(&r);
        strbuf_free(&text);
    }
    ck_assert_int_ge(compared, least);
    attack_close(&a);
}

START_TEST(without_similarity) {
    int counts[4] = {0};
    compare_all(counts, TEXTS * 3 / 4);
    for (int k = ATTACK_SKIPPED; k <= ATTACK_FAILED; k++)
        ck_assert_msg(counts[k] >= 5, "outcome %d: %d", k, counts[k]);
    ck_assert_int_eq(counts[ATTACK_ERRORED], 0);
}
END_TEST

START_TEST(with_similarity) {
    int counts[4] = {0};
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
    for (o.similarity_window = 4; o.similarity_window <= 7; o.similarity_window += 3) {
        o.similarity = o.similarity_window == 4 ? 0.8 : 0.9;
        compare_all(counts, TEXTS * 3 / 4);
    }
    ck_assert_int_ge(counts[ATTACK_SUCCESS], 5);
    ck_assert_int_ge(counts[ATTACK_FAILED], 5);
}
END_TEST

START_TEST(noun_for_verb_or_not) {
    int counts[4] = {0};
    snprintf(o.part_of_speech, sizeof o.part_of_speech, "strict");
    compare_all(counts, TEXTS * 3 / 4);
}
END_TEST

START_TEST(query_budget) {
    int counts[4] = {0};
    for (o.query_budget = 1; o.query_budget < 40; o.query_budget += 7)
        compare_all(counts, TEXTS * 3 / 4);
}
END_TEST

/* words behind the cut all rank alike, so rounding decides for most of the longer texts */
START_TEST(texts_longer_than_the_model_takes) {
    int counts[4] = {0};
    max_length = 12;
    compare_all(counts, TEXTS / 4);
}
END_TEST

/* what it is asked to do last may not depend on what was attacked before */
START_TEST(no_memory_of_other_examples) {
    attack *a, *fresh;
    attack_setup setup = {.o = &o, .w = w, .similarity = judge, .max_length = max_length};
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
    o.neighbours[0] = '\0';
    snprintf(o.vectors, sizeof o.vectors, "%s/vectors.txt", folder);
    ck_ok(attack_open(&setup, &a));
    for (int i = 0; i < 30; i++) {
        strbuf text = {0};
        attack_result x, y;
        ck_ok(toy_text(i, &text));
        ck_ok(attack_open(&setup, &fresh));
        ck_ok(attack_one(a, ws, victim, text.text, 1, &x));
        ck_ok(attack_one(fresh, ws, victim, text.text, 1, &y));
        ck_assert_str_eq(x.final_text, y.final_text);
        ck_assert_int_eq(x.queries, y.queries);
        ck_assert(memcmp(&x.final_prob, &y.final_prob, sizeof x.final_prob) == 0);
        attack_result_free(&x);
        attack_result_free(&y);
        attack_close(&fresh);
        strbuf_free(&text);
    }
    attack_close(&a);
}
END_TEST

START_TEST(odd_texts) {
    static const char *const odd[] = {"",     " ",           "...",          "'",
                                      "baba", "unknownword", "\u65e5\u672c", "baba fafe baba"};
    attack *a;
    attack_setup setup = {.o = &o, .w = w, .max_length = max_length};
    attack_result r;
    ck_ok(attack_open(&setup, &a));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        int right;
        prob(odd[i], 0, &right);
        ck_ok(attack_one(a, ws, victim, odd[i], !right, &r));
        ck_assert_int_eq(r.outcome, ATTACK_FAILED);
        ck_assert_str_eq(r.final_text, odd[i]);
        ck_assert_int_eq(r.changed, 0);
        attack_result_free(&r);
    }
    ck_assert_int_eq(attack_one(a, ws, victim, "bade", TOY_LABELS, &r), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_message(), "classes"));
    for (int i = 0; i < victim->c.H; i++)
        victim->p.pool_b[i] = NAN;
    ck_assert_int_eq(attack_one(a, ws, victim, "bade", 0, &r), ERR_FAILED);
    attack_close(&a);
}
END_TEST

START_TEST(settings_in_one_line) {
    attack *a;
    attack_setup setup = {.o = &o, .w = w, .max_length = max_length};
    strbuf line = {0};
    ck_ok(attack_open(&setup, &a));
    ck_ok(attack_describe(a, &line));
    ck_assert_str_eq(
        line.text,
        "textfooler: ranked by deletion, at most 50 neighbours from neighbours.json, part of "
        "speech lexicon (noun for verb allowed), no similarity constraint, accepted below the "
        "current probability, stop words stop.txt, no query budget");
    strbuf_free(&line);
    attack_close(&a);
}
END_TEST

int main(void) {
    Suite *s = suite_create("textfooler");
    TCase *c = tcase_create("search");
    tcase_add_checked_fixture(c, set_up, slow_tear_down);
    tcase_add_test(c, without_similarity);
    tcase_add_test(c, with_similarity);
    tcase_add_test(c, noun_for_verb_or_not);
    tcase_add_test(c, query_budget);
    tcase_add_test(c, texts_longer_than_the_model_takes);
    tcase_add_test(c, no_memory_of_other_examples);
    tcase_add_test(c, odd_texts);
    tcase_add_test(c, settings_in_one_line);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
