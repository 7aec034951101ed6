#include "lengths.h"

#include "base/arena.h"
#include "base/rng.h"
#include "text/dataset.h"

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST = 64 };

/* Sentences and phrases of the training split of SST-2 (GLUE; Socher et al., EMNLP 2013: 67,349 of
 * them, mean 13.3 tokens) by their number of WordPiece tokens (bert-base-uncased), [CLS] and [SEP]
 * included; the 5 longer than 64 count as 64, where a study cuts them. */
static const int SST2[LONGEST + 1] = {
    0,    0,    0,    1978, 5322, 6065, 5345, 4749, 4155, 3713, 3267, 2947, 2650,
    2413, 2138, 1950, 1777, 1661, 1515, 1373, 1285, 1132, 1106, 1046, 909,  820,
    806,  733,  692,  628,  538,  491,  442,  448,  400,  337,  304,  286,  242,
    195,  203,  192,  155,  148,  130,  89,   82,   85,   73,   55,   42,   50,
    40,   36,   19,   21,   22,   15,   8,    6,    3,    2,    5,    5,    6};

static err lengths_create(int batches, const char *source, lengths *out) {
    *out = (lengths){.batches = batches, .source = source};
    return mem_alloc((size_t)batches * LENGTHS_B, sizeof *out->n, &out->n);
}

err lengths_fixed(int S, lengths *out) {
    CALL(lengths_create(1, "fixed", out));
    for (int i = 0; i < LENGTHS_B; i++)
        out->n[i] = S;
    return OK;
}

static void from_histogram(lengths *x) {
    rng_stream r = rng_open(1, RNG_TEST, 1, 0);
    int all = 0;
    for (int n = 0; n <= LONGEST; n++)
        all += SST2[n];
    for (int i = 0; i < x->batches * LENGTHS_B; i++) {
        int at = (int)rng_below(&r, (uint32_t)all), n = 0;
        while (at >= SST2[n])
            at -= SST2[n++];
        x->n[i] = n;
    }
}

static err from_data(const char *root, lengths *x) {
    dataset d = {0};
    examples e_x = {0};
    tokenizer *w = NULL;
    int32_t *order = NULL;
    char path[4096];
    err e;
    snprintf(path, sizeof path, "%s/vocab/bert-base-uncased.txt", root);
    TRY(tokenizer_open(path, &w));
    TRY(dataset_read("sst2", root, "train", &d));
    TRY(examples_make(&d, w, LONGEST, &e_x));
    ENSURE(e_x.n >= x->batches * LENGTHS_B, ERR_DATA, "%s/sst2/train.tsv: %d sentences, need %d",
           root, e_x.n, x->batches * LENGTHS_B);
    TRY(mem_alloc((size_t)e_x.n, sizeof *order, &order));
    for (int i = 0; i < e_x.n; i++)
        order[i] = i;
    rng_stream r = rng_open(1, RNG_SHUFFLE, 0, 0);
    rng_shuffle(&r, order, e_x.n);
    for (int i = 0; i < x->batches * LENGTHS_B; i++)
        x->n[i] = (int)(e_x.offset[order[i] + 1] - e_x.offset[order[i]]);
done:
    free(order);
    examples_free(&e_x);
    dataset_free(&d);
    tokenizer_close(&w);
    return e;
}

err lengths_sst2(int batches, lengths *out) {
    const char *root = getenv("ESPALIER_DATA");
    CALL(lengths_create(batches, root ? "SST-2's training split" : "histogram of SST-2", out));
    err e = OK;
    if (root)
        e = from_data(root, out);
    else
        from_histogram(out);
    if (e != OK)
        lengths_free(out);
    return e;
}

err lengths_read(const char *path, lengths *out) {
    FILE *f = fopen(path, "r");
    CHECK(f, ERR_IO, "%s: cannot be opened", path);
    int count = 0, n;
    size_t cap = 0;
    *out = (lengths){.source = "file"};
    err e = OK;
    while (fscanf(f, "%d", &n) == 1) {
        ENSURE(n >= 1 && n <= 512, ERR_DATA, "%s: length %d, expected 1 to 512", path, n);
        TRY(mem_grow((size_t)count + 1, sizeof *out->n, &out->n, &cap));
        out->n[count++] = n;
    }
    ENSURE(feof(f) && count > 0 && count % LENGTHS_B == 0, ERR_DATA,
           "%s: %d lengths, expected lines of %d", path, count, LENGTHS_B);
    out->batches = count / LENGTHS_B;
done:
    fclose(f);
    if (e != OK)
        lengths_free(out);
    return e;
}

err lengths_write(const char *path, const lengths *x) {
    FILE *f = fopen(path, "w");
    CHECK(f, ERR_IO, "%s: cannot be written", path);
    for (int i = 0; i < x->batches * LENGTHS_B; i++)
        fprintf(f, "%d%c", x->n[i], i % LENGTHS_B == LENGTHS_B - 1 ? '\n' : ' ');
    CHECK(fclose(f) == 0, ERR_IO, "%s: cannot be written", path);
    return OK;
}

void lengths_free(lengths *x) {
    free(x->n);
    x->n = NULL;
}
