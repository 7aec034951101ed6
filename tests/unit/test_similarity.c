/* sentence similarity: its measures, what is kept, checkpoints in Sentence-BERT's layout */
#include "attack/sentence_encoder.h"
#include "attack/similarity.h"
#include "attack/vector_cache.h"
#include "base/key_table.h"
#include "toy_attack.h"

#include "scratch.h"

#include <math.h>

enum { TEXTS = 12, H = 16 };

static const double PI = 3.14159265358979323846;

/* angles from east: north-east 45, north 90, west 180 degrees; nowhere has no vector */
START_TEST(measures_of_an_angle) {
    neighbours *n = NULL;
    similarity *s = NULL;
    const char *others[] = {"east", "east north", "north", "west", "nowhere"};
    const double radians[] = {0.0, PI / 4, PI / 2, PI, PI};
    double score[5];
    put_text("v.txt", "east 2 0\nnorth 0 1\nwest -1 0\n");
    ck_ok(neighbours_open_vectors("v.txt", 0.5, 5, &n));
    ck_ok(similarity_open_vectors(n, &s));
    ck_ok(similarity_score(s, "the east", others, 5, score));
    for (int i = 0; i < 5; i++)
        ck_assert_msg(fabs(score[i] - (1.0 - radians[i] / PI)) < 1e-7, "%d: %.9f", i, score[i]);
    ck_ok(similarity_use(s, "cosine"));
    ck_ok(similarity_score(s, "the east", others, 5, score));
    for (int i = 0; i < 5; i++)
        ck_assert_msg(fabs(score[i] - cos(radians[i])) < 1e-7, "%d: %.9f", i, score[i]);
    ck_ok(similarity_use(s, "arccos"));
    ck_ok(similarity_score(s, "the east", others, 5, score));
    for (int i = 0; i < 5; i++)
        ck_assert_msg(fabs(score[i] - (1.0 - radians[i])) < 1e-7, "%d: %.9f", i, score[i]);
    ck_refused(similarity_use(s, "euclid"), ERR_USAGE, "unknown measure of similarity \"euclid\"");
    similarity_close(&s);
    neighbours_close(&n);
}
END_TEST

typedef struct toy {
    tokenizer *w;
    encoder *m;
    strbuf text[TEXTS];
    const char *list[TEXTS];
} toy;

static void toy_open(toy *t) {
    *t = (toy){0};
    ck_ok(toy_write("."));
    ck_ok(tokenizer_open("vocab.txt", &t->w));
    ck_ok(toy_victim(t->w->V, 4, &t->m));
    for (int i = 0; i < TEXTS; i++) {
        ck_ok(toy_text(i, &t->text[i]));
        t->list[i] = t->text[i].text;
    }
}

static void toy_close(toy *t) {
    for (int i = 0; i < TEXTS; i++)
        strbuf_free(&t->text[i]);
    encoder_destroy(&t->m);
    tokenizer_close(&t->w);
}

/* one forward a text and its mean behind a layer spelled out; ends: with [CLS] and [SEP] */
static void mean_behind(const toy *t, int layer, const char *text, int ends, double mean[H]) {
    encoder_ws *ws = NULL;
    int32_t ids[64], offsets[2] = {0};
    int cut;
    ck_ok(encoder_ws_create(&t->m->c, &ws));
    ck_ok(tokenizer_sequence(t->w, text, strlen(text), ids, t->m->c.P, &offsets[1], &cut));
    batch b = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
    ck_ok(encoder_forward(ws, t->m, &b, NULL, 1));
    const float *h = encoder_hidden(ws, layer);
    int first = ends ? 0 : 1, last = b.T - first;
    for (int c = 0; c < H; c++)
        mean[c] = 0.0;
    for (int row = first; row < last; row++)
        for (int c = 0; c < H; c++)
            mean[c] += (double)h[row * H + c] / (last - first);
    encoder_ws_destroy(&ws);
}

static void mean_of(const toy *t, const char *text, int ends, double mean[H]) {
    mean_behind(t, t->m->c.L, text, ends, mean);
}

static double cosine(const double *a, const double *b) {
    double ab = 0, aa = 0, bb = 0;
    for (int c = 0; c < H; c++) {
        ab += a[c] * b[c];
        aa += a[c] * a[c];
        bb += b[c] * b[c];
    }
    return ab / sqrt(aa) / sqrt(bb);
}

static void put_layout(const toy *t) {
    ck_ok(dir_make("sbert/1_Pooling"));
    ck_ok(encoder_save(t->m, "sbert", "vocab.txt"));
    put_text("sbert/modules.json",
             "[{\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": "
             "\"sentence_transformers.models.Transformer\"},"
             " {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": "
             "\"sentence_transformers.models.Pooling\"},"
             " {\"idx\": 2, \"name\": \"2\", \"path\": \"2_Normalize\", \"type\": "
             "\"sentence_transformers.models.Normalize\"}]");
    put_text("sbert/1_Pooling/config.json",
             "{\"word_embedding_dimension\": 16, \"pooling_mode_cls_token\": false, "
             "\"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": false}");
}

static void ck_folder(const toy *t, const char *dir) {
    similarity *s = NULL;
    double score[TEXTS], first[H], mean[H];
    ck_ok(similarity_open_checkpoint(dir, &s));
    ck_ok(similarity_use(s, "cosine"));
    ck_ok(similarity_score(s, t->list[0], t->list, TEXTS, score));
    mean_of(t, t->list[0], 1, first);
    for (int i = 0; i < TEXTS; i++) {
        mean_of(t, t->list[i], 1, mean);
        /* means rounded to float32 */
        ck_assert_msg(fabs(score[i] - cosine(first, mean)) < 1e-6, "%d: %.9f %.9f", i, score[i],
                      cosine(first, mean));
    }
    similarity_close(&s);
}

START_TEST(sentence_bert_layout) {
    toy t;
    toy_open(&t);
    put_layout(&t);
    ck_folder(&t, "sbert");
    ck_ok(encoder_save(t.m, "plain", "vocab.txt"));
    ck_folder(&t, "plain");
    double with[H], without[H];
    mean_of(&t, t.list[0], 1, with);
    mean_of(&t, t.list[0], 0, without);
    ck_assert(cosine(with, without) < 0.9999); /* so the two means can be told apart */
    toy_close(&t);
}
END_TEST

/* 5 ids: the first three pieces are all that counts */
START_TEST(sequences_are_cut_as_the_checkpoint_says) {
    toy t;
    sentence_encoder *s = NULL;
    float v[2 * H];
    toy_open(&t);
    put_layout(&t);
    put_text("sbert/sentence_bert_config.json",
             "{\"max_seq_length\": 5, \"do_lower_case\": false}");
    const char *texts[] = {"bade bade bade bade", "bade bade bade fafe fafe"};
    ck_ok(sentence_encoder_open("sbert", &s));
    ck_ok(sentence_encoder_embed(s, texts, 2, v));
    ck_assert_mem_eq(v, v + H, H * sizeof *v);
    sentence_encoder_close(&s);
    put_text("sbert/sentence_bert_config.json", "{\"max_seq_length\": 2}");
    ck_refused(sentence_encoder_open("sbert", &s), ERR_DATA, "max_seq_length");
    toy_close(&t);
}
END_TEST

START_TEST(layouts_that_are_refused) {
    toy t;
    similarity *s = NULL;
    toy_open(&t);
    static const struct {
        const char *file, *text, *message;
    } bad[] = {
        {"sbert/1_Pooling/config.json",
         "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}",
         "sbert/1_Pooling/config.json: pooling_mode_cls_token is set; only the mean"},
        {"sbert/1_Pooling/config.json",
         "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": true}",
         "pooling_mode_max_tokens is set"},
        {"sbert/1_Pooling/config.json", "{}", "pooling_mode_mean_tokens is not set"},
        {"sbert/modules.json", "{}", "sbert/modules.json: expected a list"},
        {"sbert/modules.json", "[{\"path\": \"\", \"type\": \"a.Transformer\"}]",
         "expected a list of a Transformer and Pooling"},
        {"sbert/modules.json", "[{\"path\": \"\"}, 1]",
         "sbert/modules.json: module 0: expected \"type\" and \"path\""},
        {"sbert/modules.json",
         "[{\"path\": \"\", \"type\": \"a.WordEmbeddings\"}, {\"path\": \"1_Pooling\", \"type\": "
         "\"a.Pooling\"}]",
         "the first module is a.WordEmbeddings, expected a Transformer"},
        {"sbert/modules.json",
         "[{\"path\": \"\", \"type\": \"a.Transformer\"}, {\"path\": \"1_Pooling\", \"type\": "
         "\"a.Pooling\"}, {\"path\": \"2_Dense\", \"type\": \"a.Dense\"}]",
         "module 2 is a.Dense; only a Transformer, Pooling by the mean and Normalize"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_layout(&t);
        put_text(bad[i].file, bad[i].text);
        ck_refused(similarity_open_checkpoint("sbert", &s), ERR_DATA, bad[i].message);
        ck_assert_ptr_null(s);
    }
    put_layout(&t);
    ck_assert_int_eq(remove("sbert/vocab.txt"), 0);
    ck_refused(similarity_open_checkpoint("sbert", &s), ERR_IO, "vocab.txt");
    ck_refused(similarity_open_checkpoint("nowhere", &s), ERR_IO, "nowhere");
    toy_close(&t);
}
END_TEST

/* a text's score has the same bits computed alone, in a batch, or taken from what is kept */
START_TEST(a_text_is_computed_once) {
    toy t;
    similarity *one = NULL, *all = NULL;
    double apart[TEXTS], together[TEXTS];
    toy_open(&t);
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &one));
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &all));
    for (int i = TEXTS - 1; i >= 0; i--)
        ck_ok(similarity_score(one, t.list[0], t.list + i, 1, apart + i));
    ck_ok(similarity_score(all, t.list[0], t.list, TEXTS, together));
    ck_assert_mem_eq(apart, together, sizeof apart);
    ck_assert(together[0] == 1.0);
    ck_assert_int_eq(similarity_work(all).asked, TEXTS + 1);
    ck_assert_int_eq(similarity_work(all).computed, TEXTS);
    const int64_t tokens = similarity_work(all).tokens;
    ck_assert_int_gt(tokens, 3 * TEXTS);
    ck_ok(similarity_use(all, "cosine"));
    ck_ok(similarity_score(all, t.list[3], t.list, TEXTS, together));
    ck_assert_int_eq(similarity_work(all).computed, TEXTS);
    ck_assert_int_eq(similarity_work(one).asked, 2 * TEXTS);
    ck_assert_int_eq(similarity_work(one).computed, TEXTS);
    ck_assert_int_eq(similarity_work(one).tokens, tokens);
    similarity_close(&one);
    similarity_close(&all);
    toy_close(&t);
}
END_TEST

/* the mean behind an earlier layer; the lent encoder stays what it is */
START_TEST(first_layers_only) {
    toy t;
    similarity *s = NULL;
    double score[TEXTS], first[H], mean[H];
    int all;
    toy_open(&t);
    ck_assert_int_ge(t.m->c.L, 2);
    for (int n = 1; n <= t.m->c.L; n++) {
        ck_ok(similarity_open_encoder(t.m, t.w, 64, &s));
        ck_assert_int_eq(similarity_depth(s, &all), t.m->c.L);
        ck_ok(similarity_layers(s, n));
        ck_assert_int_eq(similarity_depth(s, &all), n);
        ck_assert_int_eq(all, t.m->c.L);
        ck_ok(similarity_use(s, "cosine"));
        ck_ok(similarity_score(s, t.list[0], t.list, TEXTS, score));
        mean_behind(&t, n, t.list[0], 0, first);
        for (int i = 0; i < TEXTS; i++) {
            mean_behind(&t, n, t.list[i], 0, mean);
            ck_assert_msg(fabs(score[i] - cosine(first, mean)) < 1e-6, "%d, %d: %.9f %.9f", n, i,
                          score[i], cosine(first, mean));
        }
        similarity_close(&s);
    }
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &s));
    ck_refused(similarity_layers(s, t.m->c.L + 1), ERR_USAGE, "attack.similarity_layers is");
    similarity_close(&s);
    toy_close(&t);
}
END_TEST

/* bf16: close to float32 and not equal, the same bits alone and in a batch; the lent encoder stays
 * what it is; float32 asked for is float32 */
START_TEST(another_precision) {
    toy t;
    similarity *s = NULL, *one = NULL;
    double exact[TEXTS], rounded[TEXTS], apart[TEXTS];
    toy_open(&t);
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &s));
    ck_ok(similarity_score(s, t.list[0], t.list, TEXTS, exact));
    similarity_close(&s);
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &s));
    if (!gemm_has_bfloat16())
        ck_refused(similarity_precision(s, BFLOAT16), ERR_USAGE, "attack.similarity_precision");
    ck_ok(similarity_precision(s, gemm_has_bfloat16() ? BFLOAT16 : FLOAT32));
    ck_ok(similarity_score(s, t.list[0], t.list, TEXTS, rounded));
    ck_ok(similarity_open_encoder(t.m, t.w, 64, &one));
    ck_ok(similarity_precision(one, gemm_has_bfloat16() ? BFLOAT16 : FLOAT32));
    for (int i = TEXTS - 1; i >= 0; i--)
        ck_ok(similarity_score(one, t.list[0], t.list + i, 1, apart + i));
    ck_assert_mem_eq(apart, rounded, sizeof apart);
    for (int i = 0; i < TEXTS; i++)
        ck_assert_msg(fabs(exact[i] - rounded[i]) < 1e-2, "%.6f %.6f", exact[i], rounded[i]);
    ck_assert_int_eq(memcmp(exact, rounded, sizeof exact) != 0, gemm_has_bfloat16());
    ck_assert_int_eq(t.m->c.p, FLOAT32);
    similarity_close(&one);
    similarity_close(&s);
    toy_close(&t);
}
END_TEST

/* room for 100 vectors: the last 50 are always there, what is asked for stays, old ones go */
START_TEST(memory_of_what_is_kept_is_bounded) {
    vector_cache *c = NULL;
    float v[3], got[3];
    ck_ok(vector_cache_create(3, 100 * (3 * 4 + KEY_TABLE_BYTES), &c));
    for (int i = 0; i < 1000; i++) {
        v[0] = (float)i;
        v[1] = v[2] = -1.0f;
        ck_ok(vector_cache_put(c, (uint64_t)i * 0x9e3779b97f4a7c15u, v));
        ck_assert_int_eq(vector_cache_get(c, 0, got), 1); /* asked for again and again */
        ck_assert(got[0] == 0.0f);
        for (int k = i > 30 ? i - 30 : 0; k <= i; k += 10) {
            ck_assert_int_eq(vector_cache_get(c, (uint64_t)k * 0x9e3779b97f4a7c15u, got), 1);
            ck_assert(got[0] == (float)k);
        }
    }
    int kept = 0;
    for (int i = 0; i < 1000; i++)
        kept += vector_cache_get(c, (uint64_t)i * 0x9e3779b97f4a7c15u, got);
    ck_assert_int_le(kept, 100);
    ck_assert_int_ge(kept, 50);
    vector_cache_destroy(&c);
    ck_ok(vector_cache_create(3, 0, &c)); /* never less than one a half */
    ck_ok(vector_cache_put(c, 1, v));
    ck_ok(vector_cache_put(c, 2, v));
    ck_ok(vector_cache_put(c, 3, v));
    ck_assert_int_eq(vector_cache_get(c, 1, got), 0);
    ck_assert_int_eq(vector_cache_get(c, 2, got) & vector_cache_get(c, 3, got), 1);
    vector_cache_destroy(&c);
}
END_TEST

int main(void) {
    Suite *s = suite_create("similarity");
    TCase *c = tcase_create("similarity");
    tcase_add_test(c, measures_of_an_angle);
    tcase_add_test(c, sentence_bert_layout);
    tcase_add_test(c, sequences_are_cut_as_the_checkpoint_says);
    tcase_add_test(c, layouts_that_are_refused);
    tcase_add_test(c, a_text_is_computed_once);
    tcase_add_test(c, another_precision);
    tcase_add_test(c, first_layers_only);
    tcase_add_test(c, memory_of_what_is_kept_is_bounded);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
