/* turns: espalier's side of the comparison with peers. The protocol of every side:
 *
 *     turns SIZE LENGTHS        LENGTHS: a file of lengths.h
 *     turns fixed|ragged FILE   only write such a file, for all sides: 64 tokens, or SST-2's
 *
 * prints "ready NAME", then for every line "forward BATCH" or "train BATCH" on standard input takes
 * that turn over that batch (workload.h) and prints the seconds of CPU time it took. */
#include "peak.h"
#include "workload.h"

#include "tensor/blas.h"

#include <stdio.h>
#include <string.h>

enum { S = 64, BATCHES = 8 };

static err serve(const size *z, const char *path) {
    lengths n = {0};
    workload *k = NULL;
    char what[16];
    int which;
    err e;
    TRY(lengths_read(path, &n));
    TRY(workload_create(z, &n, 0, &k));
    printf("ready espalier\n");
    fflush(stdout);
    while (scanf("%15s %d", what, &which) == 2) {
        ENSURE(which >= 0 && which < n.batches, ERR_USAGE, "batch %d of %d", which, n.batches);
        double start = peak_now();
        TRY(workload_turn(k, strcmp(what, "train") == 0 ? WORK_TRAIN : WORK_FORWARD, which));
        printf("%.9f\n", peak_now() - start);
        fflush(stdout);
    }
    e = OK;
done:
    workload_destroy(&k);
    lengths_free(&n);
    return e;
}

static err write_lengths(int ragged, const char *path) {
    lengths n;
    CALL(ragged ? lengths_sst2(BATCHES, &n) : lengths_fixed(S, &n));
    err e = lengths_write(path, &n);
    lengths_free(&n);
    return e;
}

int main(int argc, char **argv) {
    const char *what = argc == 3 ? argv[1] : "";
    int ragged = strcmp(what, "ragged") == 0, makes = ragged || strcmp(what, "fixed") == 0;
    const size *z = size_find(what);
    blas_start(argv);
    if (!z && !makes) {
        fprintf(stderr, "usage: turns tiny|mini|small|base|fixed|ragged FILE\n");
        return 2;
    }
    blas_single_thread();
    err e = makes ? write_lengths(ragged, argv[2]) : serve(z, argv[2]);
    if (e != OK)
        fprintf(stderr, "turns: %s\n", err_message());
    return (int)e;
}
