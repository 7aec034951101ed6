/* the synthetic review language: a function of its seed, closed under its own synonyms, and with
 * rare words that labelled texts hardly show and unlabelled ones all show */
#include "base/rng.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "text/dataset.h"
#include "text/synthetic.h"
#include "text/tagger.h"
#include "unit/scratch.h"

enum { TRAIN = 600, TEST = 100, CORPUS = 3000 };

static const char *const FILES[] = {"train.tsv",       "test.tsv", "corpus.txt",
                                    "neighbours.json", "tags.tsv", "vocab.txt"};

static void write_language(uint64_t seed, const char *dir) {
    synthetic_plan plan = {.seed = seed, .train = TRAIN, .test = TEST, .corpus = CORPUS};
    ck_ok(dir_make(dir));
    ck_ok(synthetic_write(&plan, dir));
}

START_TEST(a_function_of_the_seed) {
    char a[64], b[64], first[65], again[65];
    write_language(3, "one");
    write_language(3, "two");
    write_language(4, "other");
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        snprintf(a, sizeof a, "one/%s", FILES[i]);
        snprintf(b, sizeof b, "two/%s", FILES[i]);
        ck_ok(hash_file(a, first, NULL));
        ck_ok(hash_file(b, again, NULL));
        ck_assert_str_eq(first, again);
        snprintf(b, sizeof b, "other/%s", FILES[i]);
        ck_ok(hash_file(b, again, NULL));
        ck_assert_msg((strcmp(first, again) != 0) == (i < 3), "%s", FILES[i]);
    }
}
END_TEST

START_TEST(balanced_and_without_a_text_twice) {
    dataset train = {0}, test = {0};
    write_language(3, "one");
    ck_ok(dataset_read("synthetic", "one", "train", &train));
    ck_ok(dataset_read("synthetic", "one", "test", &test));
    ck_assert_int_eq(train.n, TRAIN);
    ck_assert_int_eq(test.n, TEST);
    int positive = 0;
    for (int i = 0; i < TRAIN; i++)
        positive += train.label[i];
    ck_assert_int_eq(positive, TRAIN / 2);
    for (int i = 0; i < TRAIN; i++) {
        for (int j = 0; j < TEST; j++)
            ck_assert_str_ne(dataset_text(&train, i), dataset_text(&test, j));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(dataset_text(&train, i), dataset_text(&train, j));
    }
    dataset_free(&train);
    dataset_free(&test);
}
END_TEST

/* every word of every text is one known piece and has exactly one tag */
START_TEST(every_word_is_known) {
    static const char *const splits[] = {"train", "test"};
    tokenizer *w = NULL;
    tagger *t = NULL;
    write_language(3, "one");
    ck_ok(tokenizer_open("one/vocab.txt", &w));
    ck_ok(tagger_open("lexicon", "one/tags.tsv", &t));
    for (int s = 0; s < 2; s++) {
        dataset d = {0};
        ck_ok(dataset_read("synthetic", "one", splits[s], &d));
        for (int i = 0; i < d.n; i++) {
            char text[1024];
            int32_t ids[256];
            int count, n = 0;
            snprintf(text, sizeof text, "%s", dataset_text(&d, i));
            ck_ok(tokenizer_encode(w, text, strlen(text), ids, 256, &count));
            for (char *p = strtok(text, " "); p; p = strtok(NULL, " "), n++) {
                const char *const word[] = {p};
                uint16_t tag;
                ck_assert_int_lt(n, count);
                ck_assert_str_eq(tokenizer_piece(w, ids[n]), p);
                ck_ok(tagger_tag(t, word, 1, &tag, NULL));
                ck_assert_msg(tag != TAG_X && (tag & (tag - 1)) == 0, "%s", p);
            }
            ck_assert_int_eq(n, count);
        }
        dataset_free(&d);
    }
    tagger_close(&t);
    tokenizer_close(&w);
}
END_TEST

START_TEST(neighbours_share_their_tag) {
    json_t *all = NULL, *list, *v;
    const char *word;
    size_t k;
    tagger *t = NULL;
    write_language(3, "one");
    ck_ok(json_read("one/neighbours.json", &all));
    ck_ok(tagger_open("lexicon", "one/tags.tsv", &t));
    json_object_foreach(all, word, list) {
        const char *const own[] = {word};
        uint16_t tag, other;
        ck_ok(tagger_tag(t, own, 1, &tag, NULL));
        ck_assert_uint_gt(json_array_size(list), 1);
        json_array_foreach(list, k, v) {
            const char *const near[] = {json_string_value(v)};
            ck_ok(tagger_tag(t, near, 1, &other, NULL));
            ck_assert_msg(tag == other && strcmp(word, near[0]) != 0, "%s and %s", word, near[0]);
        }
    }
    tagger_close(&t);
    json_decref(all);
}
END_TEST

/* how often a piece stands in the texts: counts (V) */
static void count_pieces(const tokenizer *w, const dataset *d, int *counts) {
    for (int i = 0; i < d->n; i++) {
        int32_t ids[256];
        int count;
        ck_ok(
            tokenizer_encode(w, dataset_text(d, i), strlen(dataset_text(d, i)), ids, 256, &count));
        for (int k = 0; k < count && k < 256; k++)
            counts[ids[k]]++;
    }
}

START_TEST(rare_words_are_for_the_corpus) {
    /* the last word of two sets, and the first */
    static const char *const rare[] = {"resplendent", "ghastly", "jocular", "maladroit"};
    static const char *const frequent[] = {"wonderful", "terrible", "funny", "clumsy"};
    tokenizer *w = NULL;
    dataset train = {0}, corpus = {0};
    write_language(3, "one");
    ck_ok(tokenizer_open("one/vocab.txt", &w));
    ck_ok(dataset_read("synthetic", "one", "train", &train));
    ck_ok(dataset_read_text("one/corpus.txt", 0, &corpus));
    ck_assert_int_eq(corpus.n, CORPUS);
    int *labelled = calloc((size_t)w->V, sizeof *labelled);
    int *unlabelled = calloc((size_t)w->V, sizeof *unlabelled);
    count_pieces(w, &train, labelled);
    count_pieces(w, &corpus, unlabelled);
    int rare_labelled = 0, frequent_labelled = 0;
    for (int k = 0; k < 4; k++) {
        for (int32_t id = 0; id < w->V; id++) {
            int is_rare = strcmp(tokenizer_piece(w, id), rare[k]) == 0;
            int is_frequent = strcmp(tokenizer_piece(w, id), frequent[k]) == 0;
            rare_labelled += is_rare * labelled[id];
            frequent_labelled += is_frequent * labelled[id];
            ck_assert_msg(!(is_rare || is_frequent) || unlabelled[id] > 0, "%s",
                          tokenizer_piece(w, id));
        }
    }
    ck_assert_int_gt(frequent_labelled, 20);
    ck_assert_int_lt(10 * rare_labelled, frequent_labelled);
    free(labelled);
    free(unlabelled);
    dataset_free(&train);
    dataset_free(&corpus);
    tokenizer_close(&w);
}
END_TEST

START_TEST(more_texts_than_there_are_is_said) {
    dataset d = {0};
    int32_t index[4];
    write_language(3, "one");
    ck_ok(dataset_read("synthetic", "one", "test", &d));
    ck_refused(dataset_sample(&d, 1, RNG_SAMPLE, TEST + 1, index), ERR_USAGE, "there are 100");
    dataset_free(&d);
}
END_TEST

int main(void) {
    Suite *s = suite_create("synthetic");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_function_of_the_seed);
    tcase_add_test(t, balanced_and_without_a_text_twice);
    tcase_add_test(t, every_word_is_known);
    tcase_add_test(t, neighbours_share_their_tag);
    tcase_add_test(t, rare_words_are_for_the_corpus);
    tcase_add_test(t, more_texts_than_there_are_is_said);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
