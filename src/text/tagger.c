#include "text/tagger.h"

#include "base/arena.h"
#include "io/lines.h"
#include "text/tagger_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    uint16_t bit;
} UNIVERSAL[] = {{"NOUN", TAG_NOUN},
                 {"VERB", TAG_VERB},
                 {"ADJ", TAG_ADJ},
                 {"ADV", TAG_ADV},
                 {"PRON", TAG_PRON},
                 {"DET", TAG_DET},
                 {"ADP", TAG_ADP},
                 {"NUM", TAG_NUM},
                 {"CONJ", TAG_CONJ},
                 {"PRT", TAG_PRT},
                 {".", TAG_PUNCT},
                 {"X", TAG_X},
                 /* as Universal Dependencies call them, where they differ */
                 {"PROPN", TAG_NOUN},
                 {"AUX", TAG_VERB},
                 {"SCONJ", TAG_ADP},
                 {"CCONJ", TAG_CONJ},
                 {"PART", TAG_PRT},
                 {"PUNCT", TAG_PUNCT},
                 {"SYM", TAG_PUNCT},
                 {"INTJ", TAG_X}};

uint16_t tag_bit(const char *name) {
    for (size_t i = 0; i < sizeof UNIVERSAL / sizeof *UNIVERSAL; i++)
        if (strcmp(UNIVERSAL[i].name, name) == 0)
            return UNIVERSAL[i].bit;
    return 0;
}

const char *tag_name(uint16_t tag) {
    for (size_t i = 0; i < sizeof UNIVERSAL / sizeof *UNIVERSAL; i++)
        if (tag & UNIVERSAL[i].bit)
            return UNIVERSAL[i].name;
    return "";
}

err tagger_add(dictionary *words, uint16_t **tags, size_t *cap, const char *form, size_t n,
               uint16_t tag) {
    int32_t i;
    int fresh;
    CALL(dictionary_add(words, form, n, &i, &fresh));
    CALL(mem_grow((size_t)i + 1, sizeof **tags, tags, cap));
    (*tags)[i] = (uint16_t)((fresh ? 0 : (*tags)[i]) | tag);
    return OK;
}

enum { FORM_BYTES = 256 };

/* sources of word forms know lower case only; a form longer than any in them keeps its first bytes
 */
static const char *lower(const char *word, char out[FORM_BYTES]) {
    size_t n = strlen(word);
    n = n < FORM_BYTES - 1 ? n : FORM_BYTES - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
    out[n] = '\0';
    return out;
}

static err open_lexicon(tagger *t, const char *path) {
    lines in;
    char *column[2], form[FORM_BYTES];
    CALL(lines_read(path, &in));
    err e = dictionary_create(&t->words);
    for (int i = 0; e == OK && i < in.n; i++) {
        TRY(lines_columns(&in, i + 1, in.line[i], column, 2));
        uint16_t bit = tag_bit(column[1]);
        ENSURE(bit, ERR_DATA, "%s:%d: \"%.20s\" is not a universal tag", path, i + 1, column[1]);
        ENSURE(column[0][0], ERR_DATA, "%s:%d: the word is empty", path, i + 1);
        lower(column[0], form);
        TRY(tagger_add(t->words, &t->tags, &t->cap, form, strlen(form), bit));
    }
done:
    lines_free(&in);
    return e;
}

err tagger_recognise(const char *path, const char **source) {
    struct stat st;
    *source = "wordnet";
    if (!path[0])
        return OK;
    FILE *f = fopen(path, "re");
    CHECK(f, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISDIR(st.st_mode)) {
        int c = fgetc(f);
        while (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            c = fgetc(f);
        *source = c == '{' ? "perceptron" : "lexicon";
    }
    fclose(f);
    return OK;
}

err tagger_open(const char *source, const char *path, tagger **out) {
    tagger *t = NULL;
    json_t *file = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *t, &t));
    if (strcmp(source, "none") == 0) {
        t->kind = TAGGER_NONE;
    } else if (strcmp(source, "lexicon") == 0) {
        t->kind = TAGGER_LEXICON;
        TRY(open_lexicon(t, path));
    } else if (strcmp(source, "wordnet") == 0) {
        t->kind = TAGGER_WORDNET;
        TRY(tagger_open_wordnet(t, path));
    } else if (strcmp(source, "perceptron") == 0) {
        t->kind = TAGGER_PERCEPTRON;
        TRY(json_read(path, &file));
        TRY(perceptron_open(file, path, &t->model));
    } else {
        ENSURE(0, ERR_USAGE, "unknown part-of-speech source \"%s\"", source);
    }
    *out = t;
    t = NULL;
done:
    json_decref(file);
    tagger_close(&t);
    return e;
}

err tagger_open_text(const char *text, const char *what, tagger **out) {
    tagger *t = NULL;
    json_t *file = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *t, &t));
    t->kind = TAGGER_PERCEPTRON;
    TRY(json_parse(text, what, &file));
    TRY(perceptron_open(file, what, &t->model));
    *out = t;
    t = NULL;
done:
    json_decref(file);
    tagger_close(&t);
    return e;
}

void tagger_close(tagger **t) {
    if (!*t)
        return;
    dictionary_destroy(&(*t)->words);
    dictionary_destroy(&(*t)->irregular);
    free((*t)->tags);
    free((*t)->irregular_tags);
    perceptron_close(&(*t)->model);
    free(*t);
    *t = NULL;
}

err tagger_tag(const tagger *t, const char *const *words, int n, uint16_t *tags, int16_t *penn) {
    if (t->kind == TAGGER_PERCEPTRON)
        return perceptron_tag(t->model, words, n, tags, penn);
    char form[FORM_BYTES];
    for (int i = 0; i < n; i++) {
        if (penn)
            penn[i] = -1;
        if (t->kind == TAGGER_NONE) {
            tags[i] = UINT16_MAX;
            continue;
        }
        lower(words[i], form);
        if (t->kind == TAGGER_WORDNET) {
            tags[i] = tagger_wordnet_tags(t, form);
        } else {
            int32_t k = dictionary_find(t->words, form, strlen(form));
            tags[i] = k >= 0 ? t->tags[k] : TAG_X;
        }
    }
    return OK;
}

const char *tagger_penn_name(const tagger *t, int i) {
    return t->kind == TAGGER_PERCEPTRON ? perceptron_class(t->model, i) : "";
}

const char *tagger_universal_name(const tagger *t, int i) {
    return t->kind == TAGGER_PERCEPTRON ? perceptron_universal(t->model, i) : "";
}
