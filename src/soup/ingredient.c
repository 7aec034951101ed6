#include "soup/ingredient.h"

#include "base/arena.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

/* what ingredients are compared by */
typedef struct label {
    encoder_config c;
    char vocab[65]; /* SHA-256; "": it has none */
} label;

static err label_of(const soup_ingredient *s, label *out) {
    char path[4096];
    encoder *m = NULL;
    CALL(encoder_load(s->dir, (encoder_want){.classes = -1, .mlm = -1}, &m));
    out->c = m->c;
    encoder_destroy(&m);
    out->vocab[0] = '\0';
    return tokenizer_find(s->dir, path) == OK ? tokenizer_hash(path, out->vocab) : OK;
}

static int same_shape(const encoder_config *a, const encoder_config *b) {
    return a->family == b->family && a->V == b->V && a->H == b->H && a->L == b->L && a->A == b->A &&
           a->F == b->F && a->P == b->P && a->Y == b->Y && a->first_position == b->first_position &&
           a->mlm == b->mlm && a->norm_eps == b->norm_eps;
}

static int same_classes(const encoder_config *a, const encoder_config *b) {
    int same = a->K == b->K;
    for (int k = 0; same && k < a->K; k++)
        same = strcmp(a->label[k], b->label[k]) == 0;
    return same;
}

/* Refuse to average b with a where a weight of one means something else in the other. */
static err check_fit(const soup_ingredient *a, const label *of_a, const soup_ingredient *b,
                     const label *of_b) {
    CHECK(same_shape(&of_a->c, &of_b->c), ERR_DATA,
          "%s and %s cannot be averaged: their encoders differ in shape (config.json)", a->dir,
          b->dir);
    CHECK(same_classes(&of_a->c, &of_b->c), ERR_DATA,
          "%s and %s cannot be averaged: they have different classes (config.json)", a->dir,
          b->dir);
    CHECK(strcmp(of_a->vocab, of_b->vocab) == 0, ERR_DATA,
          "%s and %s cannot be averaged: they have different vocabularies (vocab.txt, or "
          "vocab.json and merges.txt)",
          a->dir, b->dir);
    CHECK(strcmp(a->ancestor, b->ancestor) == 0, ERR_DATA,
          "%s and %s cannot be averaged: they were fine-tuned from different checkpoints "
          "(SHA-256 %.12s… and %.12s…): train them again from the same one",
          a->dir, b->dir, a->ancestor, b->ancestor);
    return OK;
}

/* ingredients first, first + size, … against the one that all are compared with */
static err check_share(const par *p, const soup_ingredient *s, int n, int first, label *mine,
                       label *other) {
    CALL(label_of(&s[first], mine));
    for (int i = p->rank; i < n; i += p->size) {
        if (i == first)
            continue;
        CALL(label_of(&s[i], other));
        if (!s[i].contrast)
            CALL(check_fit(&s[first], mine, &s[i], other));
    }
    return OK;
}

err ingredients_check(const par *p, const soup_ingredient *s, int n) {
    label *mine = NULL, *other = NULL;
    int first = 0;
    while (first < n && s[first].contrast)
        first++;
    CHECK(first < n, ERR_FAILED, "there is nothing to average: no variant was trained to its end");
    err e = mem_alloc(1, sizeof *mine, &mine);
    if (e == OK)
        e = mem_alloc(1, sizeof *other, &other);
    if (e == OK)
        e = check_share(p, s, n, first, mine, other);
    free(mine);
    free(other);
    return par_agree(p, e);
}
