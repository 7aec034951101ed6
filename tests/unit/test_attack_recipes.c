/* every recipe on ten sentences against its slow reference; thresholds; settings in one line */
#include "base/arena.h"
#include "config/option.h"
#include "slow_recipes.h"

enum { SENTENCES = 10 };

static char speaker_folder[128];

/* --- the world ---------------------------------------------------------------------------------*/

static void put_wordnet_file(const char *name, int class_of_word, int first) {
    strbuf data = {0}, index = {0};
    char path[256], word[8];
    ck_ok(strbuf_printf(&data, "  1 a licence\n"));
    ck_ok(strbuf_printf(&index, "  1 a licence\n"));
    for (int i = 0; i < TOY_WORDS; i++) {
        if (i % 4 != class_of_word && !(first > 0 && i % 4 == 0))
            continue;
        int k = i % 4 == class_of_word ? 0 : first;
        toy_word(i, word);
        ck_ok(strbuf_printf(&index, "%s %c 1 0 1 0 %08zu  \n", word, name[0], data.len));
        ck_ok(strbuf_printf(&data, "%08zu 03 %c 04 %s 0 %s 0 %s 0 %s 0 000 | gloss\n", data.len,
                            name[0], word, lemma(i, k), lemma(i, k + 1), lemma(i, k + 2)));
    }
    snprintf(path, sizeof path, "%s/wn/data.%s", folder, name);
    ck_ok(atomic_write(path, data.text, data.len));
    snprintf(path, sizeof path, "%s/wn/index.%s", folder, name);
    ck_ok(atomic_write(path, index.text, index.len));
    snprintf(path, sizeof path, "%s/wn/%s.exc", folder, name);
    ck_ok(atomic_write(path, "nil nothing\n", 12));
    strbuf_free(&data);
    strbuf_free(&index);
}

static void put_speaker(void) {
    encoder_config c = victim->c;
    encoder_array array[128];
    char vocabulary[128];
    c.K = 0;
    c.mlm = 1;
    ck_ok(encoder_create(&c, &speaker));
    encoder_init(speaker, 21);
    int n = encoder_arrays(&c, array, 128);
    for (int i = 0; i < n; i++)
        for (int k = 0; array[i].decay && k < array[i].rows * array[i].cols; k++)
            speaker->block[array[i].offset + (size_t)k] *= 15.0f;
    snprintf(speaker_folder, sizeof speaker_folder, "%s/speaker", folder);
    snprintf(vocabulary, sizeof vocabulary, "%s/vocab.txt", folder);
    ck_ok(encoder_save(speaker, speaker_folder, vocabulary));
}

static void set_up(void) {
    char path[128];
    char pieces[512] = "##ba\n##gu\n";
    for (char c = 'a'; c <= 'z'; c++) /* so that misspelled words are no [UNK] */
        sprintf(pieces + strlen(pieces), "%c\n##%c\n", c, c);
    slow_set_up(pieces);
    snprintf(path, sizeof path, "%s/wn", folder);
    ck_ok(dir_make(path));
    put_wordnet_file("noun", 0, 0);
    put_wordnet_file("verb", 1, 3);
    put_wordnet_file("adj", 2, 0);
    put_wordnet_file("adv", 3, 0);
    put_speaker();
}

static void tear_down(void) {
    encoder_destroy(&speaker);
    slow_tear_down();
}

/* sentence k: three to ten words, some capitalised, some of two pieces, commas */
static void sentence(int k, char *out) {
    rng_stream r = rng_open(31, RNG_TEST, (uint32_t)k, 0);
    int n = 3 + k % 8;
    *out = '\0';
    for (int i = 0; i < n; i++) {
        char word[8];
        toy_word((int)rng_below(&r, TOY_WORDS), word);
        uint32_t how = rng_below(&r, 8);
        if (how == 0)
            word[0] = (char)(word[0] - 'a' + 'A');
        sprintf(out + strlen(out), "%s%s%s", i ? (how == 1 ? ", " : " ") : "", word,
                how == 2   ? "ba"
                : how == 3 ? "gu"
                           : "");
    }
    strcat(out, " .");
}

/* --- comparison --------------------------------------------------------------------------------*/

static int same(const plain *x, const attack_result *r) {
    const double rounding = 1e-5;
    return x->outcome == r->outcome && x->queries == r->queries && x->changed == r->changed &&
           x->n_order == r->n_order &&
           memcmp(x->order, r->order, (size_t)r->n_order * sizeof *r->order) == 0 &&
           strcmp(x->text, r->final_text) == 0 && fabs(x->prob - r->prob) < rounding &&
           fabs(x->now - r->final_prob) < rounding &&
           isnan(x->similarity) == isnan(r->similarity) &&
           !(fabs(x->similarity - r->similarity) > rounding);
}

/* all sentences by one recipe; counts (4) of outcomes and words changed, but for those that
 * rounding may have decided */
static void compare_all(const char *recipe_name, int *counts, int *words_changed) {
    attack *a;
    attack_setup setup = {
        .o = &o, .w = w, .similarity = judge, .max_length = max_length, .seed = SEED};
    int compared = 0;
    snprintf(o.recipe, sizeof o.recipe, "%s", recipe_name);
    snprintf(o.masked_lm, sizeof o.masked_lm, "%s", speaker_folder);
    snprintf(o.wordnet, sizeof o.wordnet, "%s/wn", folder);
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
    ck_ok(attack_open(&setup, &a));
    for (int k = 0; k < SENTENCES; k++) {
        char text[TEXT];
        int right;
        plain x;
        attack_result r;
        sentence(k, text);
        prob(text, 0, &right);
        attack_slowly(text, !right, &x);
        ck_ok(attack_one(a, ws, victim, text, !right, &r));
        if (r.rank_gap > 1e-5 && r.margin > 1e-5) {
            compared++;
            counts[r.outcome]++;
            *words_changed += r.changed;
            ck_assert_msg(same(&x, &r),
                          "%s: \"%s\": reference %d, %lld queries, %d changed, \"%s\", %g, %g; "
                          "got %d, %lld, %d, \"%s\", %g, %g",
                          recipe_name, text, x.outcome, (long long)x.queries, x.changed, x.text,
                          x.now, x.similarity, r.outcome, (long long)r.queries, r.changed,
                          r.final_text, r.final_prob, r.similarity);
        }
        attack_result_free(&r);
    }
    ck_assert_msg(compared >= 7, "%s: %d", recipe_name, compared);
    attack_close(&a);
}

static const char *const RECIPES_HERE[] = {"textfooler-original", "pwws",        "textbugger",
                                           "bert-attack",         "deepwordbug", "a2t"};

START_TEST(ten_sentences) {
    int counts[4] = {0}, words_changed = 0;
    o.similarity_window = strcmp(RECIPES_HERE[_i], "textfooler-original") == 0 ? 5 : -1;
    compare_all(RECIPES_HERE[_i], counts, &words_changed);
    ck_assert_msg(words_changed >= 5 && counts[ATTACK_SUCCESS] + counts[ATTACK_FAILED] >= 7,
                  "%s: %d succeed, %d fail, %d words", RECIPES_HERE[_i], counts[ATTACK_SUCCESS],
                  counts[ATTACK_FAILED], words_changed);
}
END_TEST

/* thresholds of options instead of the recipe's own: fewer words are changed */
START_TEST(thresholds_are_options) {
    int counts[4] = {0}, own = 0, edits = 0, share = 0;
    compare_all("deepwordbug", counts, &own);
    o.max_edits = 2;
    compare_all("deepwordbug", counts, &edits);
    o.max_edits = 0;
    o.max_changed = 0.1;
    compare_all("deepwordbug", counts, &share);
    ck_assert_msg(edits < own && share < own, "%d, %d, %d", own, edits, share);
}
END_TEST

static const struct {
    const char *recipe, *line;
} lines[] = {
    {"textfooler-original",
     "textfooler-original: ranked by [UNK] and the rise of another class, at most 50 neighbours "
     "from neighbours.json, part of speech lexicon (noun for verb allowed), similarity encoder "
     "(first 1 of 2 layers) arccos >= 0.700000 in windows of 15 words (0.1 in shorter texts), "
     "accepted below the "
     "original "
     "probability, stop words stop.txt, no query budget"},
    {"pwws", "pwws: ranked by saliency times best drop, synonyms of WordNet in wn, part of speech "
             "lexicon, no similarity constraint, accepted below the current probability, stop "
             "words stop.txt, no query budget"},
    {"textbugger", "textbugger: ranked by deletion, 5 kinds of typing errors and at most 5 "
                   "neighbours from neighbours.json, similarity encoder (first 1 of 2 layers) "
                   "cosine >= 0.800000 of whole "
                   "texts to the original, accepted below the current probability, stop words "
                   "stop.txt, no query budget"},
    {"bert-attack",
     "bert-attack: ranked by [UNK], at most 48 proposals of speaker, similarity "
     "encoder (first 1 of 2 layers) cosine >= 0.200000 of whole texts to the original, at most 40 "
     "% of the "
     "words changed, accepted below the current probability, stop words stop.txt, no "
     "query budget"},
    {"deepwordbug", "deepwordbug: ranked by [UNK], 4 random edits, no similarity constraint, edit "
                    "distance <= 30, accepted below the current probability, stop words stop.txt, "
                    "no query budget"},
    {"a2t", "a2t: ranked by gradient, at most 20 neighbours from neighbours.json, part of speech "
            "lexicon, similarity encoder (first 1 of 2 layers) cosine >= 0.900000 of whole texts, "
            "at most 10 % of the "
            "words changed (or 4), accepted below the current probability, stop words stop.txt, no "
            "query budget"},
};

START_TEST(settings_in_one_line) {
    attack *a;
    attack_setup setup = {.o = &o, .w = w, .similarity = judge, .max_length = max_length};
    strbuf line = {0};
    snprintf(o.recipe, sizeof o.recipe, "%s", lines[_i].recipe);
    snprintf(o.masked_lm, sizeof o.masked_lm, "%s", speaker_folder);
    snprintf(o.wordnet, sizeof o.wordnet, "%s/wn", folder);
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
    ck_ok(attack_open(&setup, &a));
    ck_ok(attack_describe(a, &line));
    ck_assert_str_eq(line.text, lines[_i].line);
    strbuf_free(&line);
    attack_close(&a);
}
END_TEST

/* the words that the option allows are the table's, in its order */
START_TEST(table_and_option_agree) {
    section s;
    strbuf names = {0};
    ck_assert(section_find("attack", &s));
    for (int i = 0; i < RECIPES; i++)
        ck_ok(strbuf_printf(&names, "%s%s", i ? "|" : "", recipe_at(i)->name));
    ck_assert_str_eq(names.text, section_option(&s, "recipe")->words);
    strbuf_free(&names);
}
END_TEST

START_TEST(what_a_recipe_lacks_is_named) {
    attack *a = NULL;
    attack_setup setup = {.o = &o, .w = w, .similarity = judge, .max_length = max_length};
    snprintf(o.recipe, sizeof o.recipe, "bert-attack");
    ck_assert_int_eq(attack_open(&setup, &a), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err_message(), "attack.masked_lm"));
    snprintf(o.recipe, sizeof o.recipe, "a2t");
    o.neighbours[0] = '\0';
    ck_assert_int_eq(attack_open(&setup, &a), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err_message(), "attack.neighbours"));
    snprintf(o.recipe, sizeof o.recipe, "no-such");
    ck_assert_int_eq(attack_open(&setup, &a), ERR_USAGE);
    ck_assert_ptr_null(a);
}
END_TEST

int main(void) {
    Suite *s = suite_create("recipes");
    TCase *c = tcase_create("search");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, ten_sentences, 0, 6);
    tcase_add_test(c, thresholds_are_options);
    tcase_add_loop_test(c, settings_in_one_line, 0, 6);
    tcase_add_test(c, table_and_option_agree);
    tcase_add_test(c, what_a_recipe_lacks_is_named);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
