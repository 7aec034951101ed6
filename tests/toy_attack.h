/* toy_attack.h: a small language, its synonyms and a random victim, for the tests of the attack.
 *
 * Words are two syllables ("bade"); a word's part of speech is its number modulo 4. Weights are
 * large enough that probabilities differ in the second digit. */
#ifndef ESPALIER_TESTS_TOY_ATTACK_H
#define ESPALIER_TESTS_TOY_ATTACK_H

#include "attack/attack.h"
#include "attack/recipe.h"
#include "base/rng.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <string.h>

enum { TOY_WORDS = 60, TOY_NEAR = 7, TOY_LABELS = 2 };

static inline void toy_word(int i, char out[8]) {
    const char *c = "bdfgklmnpr", *v = "aeiou";
    snprintf(out, 8, "%c%c%c%c", c[i % 10], v[i / 10 % 5], c[i / 7 % 10], v[(i * 3 + i / 5) % 5]);
}

/* vocab.txt, neighbours.json, tags.tsv, vectors.txt, stop.txt in dir */
static inline err toy_write(const char *dir) {
    static const char *const tags[] = {"NOUN", "VERB", "ADJ", "ADV"};
    strbuf vocab = {0}, near = {0}, lexicon = {0}, vectors = {0};
    char path[4096], word[8];
    err e;
    rng_stream r = rng_open(5, RNG_TEST, 0, 0);
    TRY(strbuf_printf(&vocab, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n,\n.\n'\n-\n"));
    for (int i = 0; i < TOY_WORDS; i++) {
        toy_word(i, word);
        TRY(strbuf_printf(&vocab, "%s\n", word));
        TRY(strbuf_printf(&lexicon, "%s\t%s\n", word, tags[i % 4]));
        TRY(strbuf_printf(&near, "%s\"%s\": [", i ? ", " : "{", word));
        TRY(strbuf_printf(&vectors, "%s", word));
        int32_t order[TOY_WORDS];
        for (int k = 0; k < TOY_WORDS; k++)
            order[k] = k;
        rng_shuffle(&r, order, TOY_WORDS);
        for (int k = 0, n = 0; n < TOY_NEAR; k++) { /* mostly of the same class, or noun for verb */
            if (order[k] % 4 > i % 4 + 1 && n % 3)
                continue;
            toy_word(order[k], word);
            TRY(strbuf_printf(&near, "%s\"%s\"", n ? ", " : "", word));
            TRY(strbuf_printf(&vectors, " %.4f", rng_normal(&r) + (n == i % 4 ? 3.0 : 0.0)));
            n++;
        }
        TRY(strbuf_printf(&near, "]"));
        TRY(strbuf_printf(&vectors, "\n"));
    }
    TRY(strbuf_printf(&near, "}\n"));
    const struct {
        const char *name, *text;
    } files[] = {{"vocab.txt", vocab.text},
                 {"neighbours.json", near.text},
                 {"tags.tsv", lexicon.text},
                 {"vectors.txt", vectors.text},
                 {"stop.txt", "baba\nfafe\n"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        TRY(path_join(path, dir, files[i].name));
        TRY(atomic_write(path, files[i].text, strlen(files[i].text)));
    }
done:
    strbuf_free(&vocab);
    strbuf_free(&near);
    strbuf_free(&lexicon);
    strbuf_free(&vectors);
    return e;
}

/* A random encoder over the language's vocabulary. */
static inline err toy_victim(int V, uint64_t seed, encoder **out) {
    encoder_config c = {.V = V,
                        .H = 16,
                        .L = 2,
                        .A = 2,
                        .F = 32,
                        .P = 64,
                        .Y = 2,
                        .K = TOY_LABELS,
                        .norm_eps = 1e-12f};
    CALL(encoder_create(&c, out));
    encoder_init(*out, seed);
    encoder_array array[128];
    int n = encoder_arrays(&c, array, 128);
    for (int i = 0; i < n; i++) /* 0.02 would hardly let the words through to [CLS] */
        for (int k = 0; array[i].decay && k < array[i].rows * array[i].cols; k++)
            (*out)->block[array[i].offset + (size_t)k] *= 15.0f;
    (*out)->p.class_b[0] = 1.4f; /* what [CLS] itself says against class 0 */
    return OK;
}

/* Text number i: 1 to 24 words, some capitalised or shouted, commas, clitics and hyphens. */
static inline err toy_text(int i, strbuf *out) {
    rng_stream r = rng_open(9, RNG_TEST, (uint32_t)i, 1);
    int n = 1 + (int)rng_below(&r, 24);
    for (int k = 0; k < n; k++) {
        char word[8];
        toy_word((int)rng_below(&r, TOY_WORDS), word);
        uint32_t how = rng_below(&r, 12);
        for (int c = 0; word[c] && (how == 0 || (how == 1 && c == 0)); c++)
            word[c] = (char)(word[c] - 'a' + 'A');
        CALL(strbuf_printf(out, "%s%s%s",
                           k == 0     ? ""
                           : how == 2 ? " , "
                           : how == 3 ? "-"
                                      : " ",
                           how == 4 ? "'" : "", word));
    }
    return strbuf_printf(out, " .");
}

static inline attack_options toy_options(const char *dir) {
    attack_options o;
    if (recipe_options("textfooler", &o) != OK)
        return (attack_options){0};
    snprintf(o.neighbours, sizeof o.neighbours, "%.400s/neighbours.json", dir);
    snprintf(o.tagger, sizeof o.tagger, "lexicon");
    snprintf(o.tagger_path, sizeof o.tagger_path, "%.400s/tags.tsv", dir);
    snprintf(o.similarity_source, sizeof o.similarity_source, "none");
    snprintf(o.stopwords, sizeof o.stopwords, "%.400s/stop.txt", dir);
    return o;
}

#endif
