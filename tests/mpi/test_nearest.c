/* nearest vectors by blocks over ranks: the lists of one slow loop; files made from them are the
 * same */
#include "attack/nearest.h"

#include "attack/synonyms_sources.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "io/lines.h"
#include "mpi/agree.h"

#include <math.h>

static par *world;

/* n random vectors of length 1; every seventh is a copy of the one before */
static void make(float *v, int n, int d) {
    rng_stream r = rng_open(11, RNG_TEST, 0, 0);
    for (int i = 0; i < n; i++) {
        float *x = v + (size_t)i * (size_t)d;
        double norm = 0.0;
        for (int k = 0; k < d; k++) {
            x[k] = i % 7 == 6 ? x[k - d] : (float)rng_normal(&r);
            norm += (double)x[k] * (double)x[k];
        }
        for (int k = 0; k < d && i % 7 != 6; k++)
            x[k] *= (float)(1.0 / sqrt(norm));
    }
}

/* the same words but where cosines are closer than float32 sums can tell, and cosines within 1e-6
 */
static int same(const nearest_one *fast, int n, const nearest_one *slow, int m, double least) {
    int right = n == m;
    for (int k = 0; k < n && k < m && right; k++)
        right = fabsf(fast[k].cosine - slow[k].cosine) < 1e-6f && (double)fast[k].cosine >= least;
    for (int k = 0; k < n && right; k++) {
        int found = 0;
        for (int j = 0; j < m; j++)
            found |= slow[j].word == fast[k].word;
        right = found || fast[k].cosine - slow[m - 1].cosine < 1e-6f;
    }
    return right;
}

/* sizes beside the edges of blocks of 768 rows and pieces of 1,024 columns */
START_TEST(as_the_slow_loop) {
    static const struct {
        int n, d, top;
        double least;
    } cases[] = {
        {1, 3, 5, -1}, {5, 2, 50, -1}, {769, 17, 9, -1}, {1100, 24, 50, 0.3}, {1025, 8, 1, 0.99}};
    int n = cases[_i].n, d = cases[_i].d, top = cases[_i].top, wrong = 0;
    float *v = malloc((size_t)n * (size_t)d * sizeof *v);
    nearest_one *near = malloc((size_t)n * (size_t)top * sizeof *near), slow[50];
    int32_t *count = malloc((size_t)n * sizeof *count);
    ck_all(world, v && near && count);
    make(v, n, d);
    ck_all_ok(world, nearest_all(world, v, n, d, top, cases[_i].least, near, count));
    for (int i = 0; i < n && world->rank == 0; i++) {
        int m = nearest_slowly(v, n, d, i, top, cases[_i].least, slow);
        wrong += !same(near + (size_t)i * (size_t)top, count[i], slow, m, cases[_i].least);
    }
    ck_all(world, wrong == 0);
    free(v);
    free(near);
    free(count);
}
END_TEST

static err write_vectors(const char *path, int n, int d) {
    strbuf text = {0};
    float *v = malloc((size_t)n * (size_t)d * sizeof *v);
    CHECK(v, ERR_FAILED, "out of memory");
    make(v, n, d);
    err e = OK;
    for (int i = 0; i < n && e == OK; i++) {
        e = strbuf_printf(&text, "w%d", i);
        for (int k = 0; k < d && e == OK; k++)
            e = strbuf_printf(&text, " %.5f", (double)v[i * d + k]);
        if (e == OK)
            e = strbuf_add(&text, "\n", 1);
    }
    if (e == OK)
        e = atomic_write(path, text.text, text.len);
    strbuf_free(&text);
    free(v);
    return e;
}

static int same_bytes(const char *a, const char *b) {
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 1;
    int yes =
        file_read(a, &x, &n) == OK && file_read(b, &y, &m) == OK && n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return yes;
}

/* an index made by all ranks has the bytes of one made by rank 0 alone */
START_TEST(the_same_file_on_any_ranks) {
    char folder[4096], vectors[4096], pairs[4096], one[4096], all[4096];
    synonyms_counts n;
    agree_folder(world, folder);
    ck_all_ok(world, path_join(vectors, folder, "v.txt"));
    ck_all_ok(world, path_join(pairs, folder, "p.txt"));
    ck_all_ok(world, path_join(one, folder, "one.bin"));
    ck_all_ok(world, path_join(all, folder, "all.bin"));
    ck_all_ok(world, world->rank == 0 ? write_vectors(vectors, 2000, 12) : OK);
    ck_all_ok(world, world->rank == 0 ? atomic_write(pairs, "w1 w2\nw1 other\n", 15) : OK);
    synonyms_sources a = {.vectors = vectors,
                          .pairs = pairs,
                          .antonyms = pairs,
                          .out = all,
                          .top = 20,
                          .least = 0.1,
                          .made_by = "a test"};
    ck_all_ok(world, synonyms_make(world, &a, &n));
    ck_all(world, world->rank != 0 || (n.words == 2001 && n.excluded >= 2));
    par *alone = NULL;
    a.out = one;
    ck_all_ok(world, par_self(&alone));
    ck_all_ok(world, world->rank == 0 ? synonyms_make(alone, &a, &n) : OK);
    par_close(&alone);
    ck_all(world, world->rank != 0 || same_bytes(one, all));
    agree_remove(world, folder);
}
END_TEST

/* what rank 0 cannot read ends it on all ranks with its message */
START_TEST(fails_together) {
    char folder[4096], vectors[4096];
    synonyms_counts n;
    agree_folder(world, folder);
    ck_all_ok(world, path_join(vectors, folder, "v.txt"));
    ck_all_ok(world, world->rank == 0 ? atomic_write(vectors, "a 1 2\nb nan 1\n", 14) : OK);
    synonyms_sources a = {.vectors = vectors, .out = vectors, .top = 5, .least = -1, .made_by = ""};
    err e = synonyms_make(world, &a, &n);
    ck_all(world, e == ERR_DATA && strstr(err_message(), "v.txt:2: number 1 is not finite"));
    a = (synonyms_sources){.neighbours = "/nowhere.json", .out = vectors, .made_by = ""};
    e = synonyms_make(world, &a, &n);
    ck_all(world, e == ERR_IO && strstr(err_message(), "/nowhere.json"));
    agree_remove(world, folder);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("nearest");
    tcase_add_loop_test(t, as_the_slow_loop, 0, 5);
    tcase_add_test(t, the_same_file_on_any_ranks);
    tcase_add_test(t, fails_together);
    return agree_run("nearest", t, &world);
}
