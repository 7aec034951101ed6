/* slow_attack.h: a toy world under attack and what the slow references of the recipes share: texts
 * taken apart and put together from scratch each time, one text a forward pass, parts of speech
 * looked up by hand. */
#ifndef ESPALIER_TESTS_SLOW_ATTACK_H
#define ESPALIER_TESTS_SLOW_ATTACK_H

#include "io/json.h"
#include "toy_attack.h"

#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#define ck_ok(call) ck_assert_msg((call) == OK, "%s (%s)", err_message(), err_where())

enum { TEXT = 1024, WIDTH = 16 };

static char folder[64];
static tokenizer *w;
static encoder *victim, *judge;
static encoder_ws *ws;
static json_t *near;
static attack_options o;
static int max_length;

/* pieces: more lines of the vocabulary */
static inline void slow_set_up(const char *pieces) {
    char path[4096];
    snprintf(folder, sizeof folder, "/tmp/espalier-attack-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_ok(toy_write(folder));
    ck_ok(path_join(path, folder, "vocab.txt"));
    FILE *f = fopen(path, "a");
    ck_assert(f && fputs(pieces, f) >= 0 && fclose(f) == 0);
    ck_ok(tokenizer_open(path, &w));
    ck_ok(toy_victim(w->V, 3, &victim));
    ck_ok(toy_victim(w->V, 8, &judge));
    ck_ok(encoder_ws_create(&victim->c, &ws));
    ck_ok(path_join(path, folder, "neighbours.json"));
    ck_ok(json_read(path, &near));
    o = toy_options(folder);
    max_length = victim->c.P;
}

static inline void slow_tear_down(void) {
    char command[128];
    encoder_ws_destroy(&ws);
    encoder_destroy(&victim);
    encoder_destroy(&judge);
    tokenizer_close(&w);
    json_decref(near);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static inline int is_mark(char c) {
    return c && strchr("'-_*@", c);
}

/* place of word i, 0 if there are not so many; ASCII */
static inline int place(const char *text, int i, int *start, int *length) {
    for (int a = 0; text[a];) {
        int b = a;
        while (isalnum((unsigned char)text[b]) || is_mark(text[b]))
            b++;
        int next = b > a ? b : a + 1;
        while (a < b && is_mark(text[a]))
            a++;
        while (b > a && is_mark(text[b - 1]))
            b--;
        if (b > a && i-- == 0) {
            *start = a;
            *length = b - a;
            return 1;
        }
        a = next;
    }
    return 0;
}

static inline int count_words(const char *text) {
    int n = 0, start, length;
    while (place(text, n, &start, &length))
        n++;
    return n;
}

static inline void word_at(const char *text, int i, char *out) {
    int start, length;
    ck_assert(place(text, i, &start, &length));
    snprintf(out, TEXT, "%.*s", length, text + start);
}

/* text with word i replaced, or deleted with a space */
static inline void changed(const char *text, int i, const char *with, char *out) {
    int start, length, end;
    ck_assert(place(text, i, &start, &length));
    end = start + length;
    if (!with && i == 0)
        end += text[end] == ' ';
    else if (!with)
        start -= text[start - 1] == ' ';
    ck_assert_int_lt(snprintf(out, TEXT, "%.*s%s%s", start, text, with ? with : "", text + end),
                     TEXT);
}

static inline double prob(const char *text, int label, int *right) {
    int32_t ids[64], offsets[2] = {0, 0};
    int cut;
    const float *logits;
    double p[TOY_LABELS];
    ck_ok(tokenizer_sequence(w, text, strlen(text), ids, max_length, &offsets[1], &cut));
    batch b = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
    ck_ok(encoder_classify(ws, victim, &b, NULL, &logits));
    encoder_softmax(p, logits, 1, TOY_LABELS);
    *right = label == 0 ? p[0] >= p[1] : p[1] > p[0];
    return p[label];
}

static inline int class_of(const char *word) {
    char lower[TEXT], other[8];
    snprintf(lower, sizeof lower, "%s", word);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (int i = 0; i < TOY_WORDS; i++) {
        toy_word(i, other);
        if (strcmp(lower, other) == 0)
            return i % 4;
    }
    return -1;
}

static inline void in_case(const char *like, const char *word, char *out) {
    int upper = 0, lower = 0;
    for (const char *c = like; *c; c++) {
        upper += isupper((unsigned char)*c) != 0;
        lower += islower((unsigned char)*c) != 0;
    }
    snprintf(out, TEXT, "%s", word);
    for (char *c = out; *c; c++)
        if ((upper > 1 && lower == 0) ||
            (upper == 1 && isupper((unsigned char)like[0]) && c == out))
            *c = (char)toupper((unsigned char)*c);
}

/* the 15 (or so) words around word i, as text */
static inline void window(const char *text, int i, char *out) {
    int n = count_words(text), size = (int)o.similarity_window, start, end, length;
    double half = (size - 1) / 2.0;
    int first = i - (int)ceil(half), last = i + (int)floor(half);
    if (i - half < 0) {
        first = 0;
        last = size - 1 < n - 1 ? size - 1 : n - 1;
    } else if (i + half >= n) {
        first = n - size > 0 ? n - size : 0;
        last = n - 1;
    }
    ck_assert(place(text, first, &start, &length));
    ck_assert(place(text, last, &end, &length));
    snprintf(out, TEXT, "%.*s", end + length - start, text + start);
}

static inline void embed(const char *text, double *mean) {
    int32_t ids[64], offsets[2] = {0, 0};
    int cut;
    ck_ok(tokenizer_sequence(w, text, strlen(text), ids, max_length, &offsets[1], &cut));
    batch b = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
    ck_ok(encoder_forward(ws, judge, &b, NULL, 1));
    const int layers = judge->c.L / 4 + (judge->c.L % 4 > 0); /* unless told otherwise */
    const float *h = encoder_hidden(ws, o.similarity_layers ? (int)o.similarity_layers : layers);
    memset(mean, 0, WIDTH * sizeof *mean);
    for (int t = 1; t < b.T - 1; t++)
        for (int c = 0; c < WIDTH; c++)
            mean[c] += (double)h[t * WIDTH + c] / (b.T - 2);
}

static inline double alike(const char *x, const char *y, int i) {
    char wx[TEXT], wy[TEXT];
    double a[WIDTH], b[WIDTH], ab = 0, aa = 0, bb = 0;
    window(x, i, wx);
    window(y, i, wy);
    embed(wx, a);
    embed(wy, b);
    for (int c = 0; c < WIDTH; c++) {
        ab += a[c] * b[c];
        aa += a[c] * a[c];
        bb += b[c] * b[c];
    }
    return 1.0 - acos(fmin(1.0, ab / sqrt(aa * bb))) / acos(-1.0);
}

#endif
