#include "soup/soup.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the mean --------------------------------------------------------------------------------- */

/* SHA-256 of a model's vocabulary, "" if it has none. */
static err vocabulary_of(const soup_ingredient *s, char hex[65]) {
    char path[4096];
    hex[0] = '\0';
    return tokenizer_find(s->dir, path) == OK ? tokenizer_hash(path, hex) : OK;
}

static int same_shape(const encoder_config *a, const encoder_config *b) {
    return a->family == b->family && a->first_position == b->first_position && a->V == b->V &&
           a->H == b->H && a->L == b->L && a->A == b->A && a->F == b->F && a->P == b->P &&
           a->Y == b->Y && a->mlm == b->mlm && a->norm_eps == b->norm_eps;
}

static int same_classes(const encoder_config *a, const encoder_config *b) {
    int same = a->K == b->K;
    for (int k = 0; same && k < a->K; k++)
        same = strcmp(a->label[k], b->label[k]) == 0;
    return same;
}

/* Refuse to average b into a's mean where a weight of one means something else in the other. */
static err check_fit(const soup_ingredient *a, const encoder_config *ca, const char *vocab_a,
                     const soup_ingredient *b, const encoder_config *cb, const char *vocab_b) {
    CHECK(same_shape(ca, cb), ERR_DATA,
          "%s and %s cannot be averaged: their encoders differ in shape (config.json)", a->dir,
          b->dir);
    CHECK(same_classes(ca, cb), ERR_DATA,
          "%s and %s cannot be averaged: they have different classes (config.json)", a->dir,
          b->dir);
    CHECK(strcmp(vocab_a, vocab_b) == 0, ERR_DATA,
          "%s and %s cannot be averaged: they have different vocabularies", a->dir, b->dir);
    return OK;
}

err soup_mean(const soup_ingredient *s, const int *index, int n, encoder **out) {
    encoder *m = NULL;
    double *sum = NULL; // (m->n)
    encoder_config first;
    char vocab[65], other[65];
    err e = OK;
    ENSURE(n > 0, ERR_FAILED, "there is nothing to average: no variant was trained to its end");
    for (int i = 0; i < n; i++) {
        const soup_ingredient *a = &s[index[0]], *b = &s[index[i]];
        encoder_destroy(&m);
        TRY(encoder_load(b->dir, (encoder_want){.classes = -1, .mlm = -1}, &m));
        TRY(vocabulary_of(b, other));
        if (i == 0) {
            first = m->c;
            memcpy(vocab, other, sizeof vocab);
            TRY(mem_alloc(m->n, sizeof *sum, &sum));
        }
        TRY(check_fit(a, &first, vocab, b, &m->c, other));
        for (size_t j = 0; j < m->n; j++)
            sum[j] += (double)m->block[j];
    }
    /* the last one loaded has the shape of all: its block takes the result */
    for (size_t j = 0; j < m->n; j++)
        m->block[j] = (float)(sum[j] / n);
    *out = m;
    m = NULL;
done:
    encoder_destroy(&m);
    free(sum);
    return e;
}

/* --- the greedy average ----------------------------------------------------------------------- */

static int better(const soup_ingredient *a, const soup_ingredient *b) {
    return a->count != b->count ? a->count > b->count : a->tie > b->tie;
}

/* order (n): best first; equal ones in list order. */
static void best_first(const soup_ingredient *s, int n, int *order) {
    for (int i = 0; i < n; i++) {
        int j = i;
        while (j > 0 && better(&s[i], &s[order[j - 1]])) {
            order[j] = order[j - 1];
            j--;
        }
        order[j] = i;
    }
}

static int members_list(const int *members, int n, int *index) {
    int k = 0;
    for (int i = 0; i < n; i++)
        if (members[i])
            index[k++] = i;
    return k;
}

/* The candidate's name: the same members give the same name in every run. */
static err candidate_name(const soup_ingredient *s, const int *index, int k, char out[64]) {
    strbuf list = {0};
    char hex[65];
    err e = OK;
    for (int i = 0; i < k && e == OK; i++)
        e = strbuf_printf(&list, "%s\n", s[index[i]].name);
    if (e == OK) {
        hash_bytes(list.text, list.len, hex);
        snprintf(out, 64, "soup-%.12s", hex);
    }
    strbuf_free(&list);
    return e;
}

/* Score the mean of the members. index (n) is scratch. Collective. */
static err try_members(const par *p, const soup_ingredient *s, int n, const int *members,
                       int *index, soup_score score, void *state, int64_t *count, int64_t *of) {
    char name[64] = "";
    encoder *m = NULL;
    int k = members_list(members, n, index);
    err e = candidate_name(s, index, k, name);
    if (e == OK)
        e = soup_mean(s, index, k, &m);
    TRY(par_agree(p, e));
    TRY(score(state, name, m, count, of));
done:
    encoder_destroy(&m);
    return e;
}

/* decisions and members, from order (n). index (n) is scratch. Collective. */
static err decide(const par *p, const soup_ingredient *s, int n, int strict, soup_score score,
                  void *state, const int *order, int *index, soup_decision *decisions,
                  int *members) {
    const soup_ingredient *best = &s[order[0]];
    int64_t now = best->count;
    for (int i = 0; i < n; i++)
        CHECK(s[i].n == best->n, ERR_FAILED,
              "%s was scored on %lld examples, but %s on %lld: scores must be over the same ones",
              s[i].name, (long long)s[i].n, best->name, (long long)best->n);
    memset(members, 0, (size_t)n * sizeof *members);
    members[order[0]] = 1;
    decisions[0] =
        (soup_decision){.ingredient = order[0], .accepted = 1, .after = now, .n = best->n};
    for (int i = 1; i < n; i++) {
        soup_decision *d = &decisions[i];
        *d = (soup_decision){.step = i, .ingredient = order[i], .before = now};
        members[order[i]] = 1;
        CALL(try_members(p, s, n, members, index, score, state, &d->after, &d->n));
        CHECK(
            d->n == best->n, ERR_FAILED,
            "the average with %s was scored on %lld examples, but %s on %lld: scores must be over "
            "the same ones",
            s[order[i]].name, (long long)d->n, best->name, (long long)best->n);
        d->accepted = strict ? d->after > now : d->after >= now;
        members[order[i]] = d->accepted;
        if (d->accepted)
            now = d->after;
    }
    return OK;
}

err soup_greedy(const par *p, const soup_ingredient *s, int n, int strict, soup_score score,
                void *state, soup_decision *decisions, int *members, encoder **out) {
    int *order = NULL, *index = NULL;
    encoder *m = NULL;
    err e = OK;
    if (n > 0) {
        e = mem_alloc((size_t)n, sizeof *order, &order);
        if (e == OK)
            e = mem_alloc((size_t)n, sizeof *index, &index);
        TRY(par_agree(p, e));
        best_first(s, n, order);
        TRY(decide(p, s, n, strict, score, state, order, index, decisions, members));
    }
    e = par_agree(p, soup_mean(s, index, n > 0 ? members_list(members, n, index) : 0, &m));
    if (e == OK)
        *out = m;
    else
        encoder_destroy(&m);
done:
    free(order);
    free(index);
    return e;
}
