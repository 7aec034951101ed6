/* packed documents: nothing lost, nothing added but [CLS] and [SEP], every sequence but the last
 * one full. */
#include "toy.h"
#include "train/documents.h"

/* document i: `lengths[i]` tokens that count on over all documents */
static examples documents(const int *lengths, int n) {
    examples x = {.n = n, .max_length = 1000};
    int total = 0;
    for (int i = 0; i < n; i++)
        total += lengths[i] + 2;
    x.ids = malloc((size_t)total * sizeof *x.ids);
    x.offset = calloc((size_t)n + 1, sizeof *x.offset);
    x.label = calloc((size_t)n, sizeof *x.label);
    ck_assert(x.ids && x.offset && x.label);
    int32_t next = 10, *id = x.ids;
    for (int i = 0; i < n; i++) {
        *id++ = TOY_CLS;
        for (int t = 0; t < lengths[i]; t++)
            *id++ = next++;
        *id++ = TOY_SEP;
        x.offset[i + 1] = x.offset[i] + lengths[i] + 2;
    }
    return x;
}

/* What is between [CLS] and [SEP] of the sequences, in order, are the documents' tokens; documents
 * end where a [SEP] stands within a sequence or a sequence ends. */
static void check(const examples *x, const examples *y, int max_length) {
    int doc = 0;
    int64_t at = 1; /* of x */
    ck_assert_int_eq(y->max_length, max_length);
    for (int s = 0; s < y->n; s++) {
        const int32_t *ids = y->ids + y->offset[s];
        int n = (int)(y->offset[s + 1] - y->offset[s]);
        ck_assert(n > 2 && n <= max_length);
        /* full, but for one token after the end of a document, which would need a [SEP] more */
        ck_assert(s == y->n - 1 || n >= max_length - 1);
        ck_assert_int_eq(ids[0], TOY_CLS);
        ck_assert_int_eq(ids[n - 1], TOY_SEP);
        for (int t = 1; t < n; t++) {
            if (at == x->offset[doc + 1] - 1) { /* the document's own [SEP] */
                ck_assert_int_eq(ids[t], TOY_SEP);
                at += 2;
                doc++;
            } else if (t < n - 1) {
                ck_assert_int_eq(ids[t], x->ids[at]);
                at++;
            }
        }
    }
    ck_assert_int_eq(doc, x->n);
}

START_TEST(nothing_is_lost) {
    for (int max_length = 4; max_length < 20; max_length++)
        for (uint32_t turn = 0; turn < 50; turn++) {
            int lengths[8], n = 1 + (int)(turn % 8);
            rng_stream r = rng_open(1, RNG_TEST, turn, (uint32_t)max_length);
            for (int i = 0; i < n; i++)
                lengths[i] = 1 + (int)rng_below(&r, i % 3 ? 6 : 40);
            examples x = documents(lengths, n), y;
            ck_ok(documents_pack(&x, TOY_CLS, TOY_SEP, max_length, &y));
            check(&x, &y, max_length);
            examples_free(&x);
            examples_free(&y);
        }
}
END_TEST

START_TEST(an_example) {
    static const int lengths[] = {3, 1, 6};
    static const int32_t want[] = {TOY_CLS, 10, 11, 12, TOY_SEP, 13,      TOY_SEP, TOY_CLS, 14,
                                   15,      16, 17, 18, TOY_SEP, TOY_CLS, 19,      TOY_SEP};
    examples x = documents(lengths, 3), y;
    ck_ok(documents_pack(&x, TOY_CLS, TOY_SEP, 7, &y));
    ck_assert_int_eq(y.n, 3);
    ck_assert_int_eq(y.offset[3], sizeof want / sizeof *want);
    ck_assert(memcmp(y.ids, want, sizeof want) == 0);
    examples_free(&x);
    examples_free(&y);
}
END_TEST

int main(void) {
    Suite *s = suite_create("documents");
    TCase *t = tcase_create("documents");
    tcase_add_test(t, nothing_is_lost);
    tcase_add_test(t, an_example);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
