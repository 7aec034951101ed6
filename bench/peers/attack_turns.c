/* attack_turns: espalier's side of the comparison of attacks. The protocol of every side:
 *
 *     attack_turns MODEL SHARED
 *
 * prints "ready NAME", then for every line "FIRST N" on standard input attacks these rows of
 * SST-2's validation part (TextFooler, no sentence similarity: textfooler.py has the rules), prints
 * a line "outcome<TAB>queries<TAB>last text" for each, and the seconds of CPU time that all of them
 * took, first the whole attack's and then, where the side knows them, the model's. */
#include "attack_rows.h"
#include "peak.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "tensor/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LENGTH = 512 };

typedef struct side {
    tokenizer *w;
    attack *a;
    encoder *victim;
    encoder_ws *ws;
    dataset rows;
} side;

static err open_side(side *s, const char *model, const char *shared) {
    attack_options o;
    char path[4096];
    CALL(path_join(path, shared, "data"));
    CALL(attack_rows_options(path, "none", &o));
    CALL(attack_rows_path(o.stopwords, shared, "oracle/textfooler-stopwords.txt"));
    CALL(path_join(path, shared, "data/vocab/bert-base-uncased.txt"));
    CALL(tokenizer_open(path, &s->w));
    CALL(attack_open(&(attack_setup){.o = &o, .w = s->w, .max_length = MAX_LENGTH}, &s->a));
    CALL(encoder_load(model, (encoder_want){.classes = -1, .mlm = 0}, &s->victim));
    CALL(encoder_ws_create(&s->victim->c, &s->ws));
    CALL(path_join(path, shared, "data"));
    return dataset_read("sst2", path, "test", &s->rows);
}

static void close_side(side *s) {
    dataset_free(&s->rows);
    encoder_ws_destroy(&s->ws);
    encoder_destroy(&s->victim);
    attack_close(&s->a);
    tokenizer_close(&s->w);
}

static err turn(side *s, int first, int n) {
    CHECK(n >= 1 && first >= 0 && first <= s->rows.n - n, ERR_USAGE, "rows %d to %d of %d", first,
          first + n - 1, s->rows.n);
    attack_result *r;
    CALL(mem_alloc((size_t)n, sizeof *r, &r));
    double start = peak_now();
    err e = attack_rows(s->a, s->ws, s->victim, &s->rows, first, n, r);
    double seconds = peak_now() - start;
    for (int i = 0; i < n && e == OK; i++)
        printf("%s\t%lld\t%s\n", attack_outcome_name(r[i].outcome), (long long)r[i].queries,
               r[i].final_text);
    printf("%.9f\n", seconds);
    fflush(stdout);
    for (int i = 0; i < n; i++)
        attack_result_free(&r[i]);
    free(r);
    return e;
}

static err serve(const char *model, const char *shared) {
    side s = {0};
    int first, n;
    err e = open_side(&s, model, shared);
    if (e == OK) {
        printf("ready espalier\n");
        fflush(stdout);
    }
    while (e == OK && scanf("%d %d", &first, &n) == 2)
        e = turn(&s, first, n);
    close_side(&s);
    return e;
}

int main(int argc, char **argv) {
    blas_start(argv);
    if (argc != 3) {
        fprintf(stderr, "usage: attack_turns MODEL SHARED\n");
        return 2;
    }
    blas_single_thread();
    err e = serve(argv[1], argv[2]);
    if (e != OK)
        fprintf(stderr, "attack_turns: %s\n", err_message());
    return (int)e;
}
