/* pruned weights without their zeros: the same bits back, a smaller file, and what is refused */
#include "io/atomic_file.h"
#include "io/lines.h"
#include "io/safetensors.h"
#include "model/encoder.h"
#include "unit/scratch.h"

#include <sys/stat.h>

static const encoder_want as_is = {-1, -1, 0};

/* one in `each` weights of the prunable matrices stays; odd sizes, so that masks end within a byte
 */
static encoder *pruned(int each) {
    encoder_config c = {.V = 13, .H = 6, .L = 2, .A = 2, .F = 11, .P = 10, .Y = 2, .K = 2};
    encoder *m;
    c.norm_eps = 1e-12f;
    ck_ok(encoder_create(&c, &m));
    encoder_init(m, 4);
    for (int l = 0; l < c.L; l++)
        for (linear_kind k = 0; k < LINEAR_COUNT; k++) {
            linear_view v = encoder_linear(m, l, k);
            for (int i = 0; i < v.out * v.in; i++)
                v.w[i] = each > 0 && i % each == 0 ? v.w[i] : 0.0f;
            if (each > 1)
                v.w[each + 1] = -0.0f; /* kept: it is not +0 */
        }
    return m;
}

static int64_t size_of(const char *path) {
    struct stat s;
    ck_assert_int_eq(stat(path, &s), 0);
    return s.st_size;
}

static const int EACH[] = {0, 1, 2, 8};

START_TEST(same_bits_back) {
    encoder *m = pruned(EACH[_i]), *back;
    ck_ok(encoder_save(m, "dense", NULL));
    ck_ok(encoder_save_sparse(m, "sparse", NULL));
    ck_ok(encoder_load("sparse", as_is, &back));
    ck_assert(back->n == m->n && memcmp(back->block, m->block, m->n * sizeof(float)) == 0);
    safetensors *s;
    ck_ok(safetensors_open("sparse/model.safetensors", &s));
    const char *name = "bert.encoder.layer.1.intermediate.dense.weight.mask";
    ck_assert((safetensors_find(s, name) != NULL) == (EACH[_i] != 1));
    safetensors_close(&s);
    if (EACH[_i] == 0 || EACH[_i] == 8) /* a header of this size counts, too */
        ck_assert_int_lt(size_of("sparse/model.safetensors"), size_of("dense/model.safetensors"));
    /* and dense again: the file it would have been */
    ck_ok(encoder_save(back, "again", NULL));
    char *a, *b;
    size_t n, k;
    ck_ok(file_read("dense/model.safetensors", &a, &n));
    ck_ok(file_read("again/model.safetensors", &b, &k));
    ck_assert(n == k && memcmp(a, b, n) == 0);
    free(a);
    free(b);
    encoder_destroy(&m);
    encoder_destroy(&back);
}
END_TEST

/* the arrays of a sparse file, one of them spoilt, written and read again */
static void spoil(const char *suffix, void (*how)(st_array *a, unsigned char *copy),
                  const char *message) {
    enum { ARRAYS = 64 };
    st_array all[ARRAYS];
    encoder *m = pruned(4), *back;
    safetensors *s;
    unsigned char copy[4096] = {0};
    ck_ok(encoder_save_sparse(m, "sparse", NULL));
    ck_ok(safetensors_open("sparse/model.safetensors", &s));
    int n = safetensors_count(s), hit = 0;
    ck_assert_int_le(n, ARRAYS);
    for (int i = 0; i < n; i++) {
        all[i] = *safetensors_at(s, i);
        size_t length = strlen(all[i].name), tail = strlen(suffix);
        if (!hit && length > tail && strcmp(all[i].name + length - tail, suffix) == 0) {
            hit = 1;
            memcpy(copy, all[i].data, (size_t)all[i].count * (all[i].dtype == ST_U8 ? 1 : 4));
            all[i].data = copy;
            how(&all[i], copy);
        }
    }
    ck_assert(hit);
    ck_ok(dir_make("spoilt"));
    ck_ok(safetensors_write("spoilt/model.safetensors", all, n));
    safetensors_close(&s);
    char *config;
    size_t bytes;
    ck_ok(file_read("sparse/config.json", &config, &bytes));
    ck_ok(atomic_write("spoilt/config.json", config, bytes));
    free(config);
    ck_assert_int_eq(encoder_load("spoilt", as_is, &back), ERR_DATA);
    ck_assert_msg(strstr(err_message(), message) != NULL, "%s", err_message());
    encoder_destroy(&m);
}

static void shorten(st_array *a, unsigned char *copy) {
    (void)copy;
    a->shape[0] = --a->count;
}

static void set_bit(st_array *a, unsigned char *copy) {
    (void)a;
    copy[0] |= 2;
}

static void move_bit(st_array *a, unsigned char *copy) { /* as many bits, one behind the end */
    copy[0] &= 0xfe;
    copy[a->count - 1] |= 0x80;
}

static void rename_it(st_array *a, unsigned char *copy) {
    (void)copy;
    a->name = "bert.encoder.layer.0.attention.self.query.weight.mosk";
}

static void infinite(st_array *a, unsigned char *copy) {
    const float x = 1.0f / 0.0f;
    (void)a;
    memcpy(copy, &x, sizeof x);
}

START_TEST(refused) {
    spoil(".mask", shorten, "a bit for each of 36 weights");
    spoil(".values", shorten, "one for each bit of");
    spoil(".mask", set_bit, "one for each bit of");
    spoil(".mask", move_bit, "bits set behind its last weight");
    spoil(".mask", rename_it, "query.weight is missing");
    spoil(".values", infinite, "not finite");
}
END_TEST

int main(void) {
    Suite *s = suite_create("sparse file");
    TCase *t = tcase_create("sparse file");
    tcase_add_loop_test(t, same_bits_back, 0, sizeof EACH / sizeof *EACH);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    return scratch_run(s);
}
