#include "text/basic_tokenizer.h"

#include "text/unicode.h"

#include <string.h>
#include <utf8proc.h>

/* what an ASCII character does to the word that is being read */
enum { DROP, SPACE, PUNCTUATION, LETTER, WIDE };

#define D DROP
#define S SPACE
#define P PUNCTUATION
#define L LETTER
static const uint8_t KIND[128] = {
    D, D, D, D, D, D, D, D, D, S, S, D, D, S, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D,
    S, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, L, L, L, L, L, L, L, L, L, L, P, P, P, P, P, P,
    P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, P, P, P, P,
    P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, P, P, P, D};
#undef D
#undef S
#undef P
#undef L

static int kind(unsigned char c) {
    return c < 128 ? KIND[c] : WIDE;
}

void basic_tokenizer_open(basic_tokenizer *w, const char *text, size_t n) {
    w->text = text;
    w->n = n;
    w->at = 0;
    w->marks = w->points = 0;
    w->len = 0;
}

/* a run of ASCII letters and digits, lower-cased */
static void take_letters(basic_tokenizer *w) {
    const char *text = w->text;
    size_t at = w->at, n = w->n, len = w->len;
    for (; at < n && kind((unsigned char)text[at]) == LETTER; at++) {
        char c = text[at];
        if (len < BASIC_BYTES)
            w->word[len++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    size_t run = at - w->at;
    w->points = run > BASIC_MAX ? BASIC_MAX + 1 : w->points + (int)run;
    w->at = at;
    w->len = len;
    w->marks = 0;
}

/* A capital sigma at text[at] ends a word if a cased character stands before it and none behind it,
 * case-ignorable ones not counted (Unicode 3.13, Final_Sigma). The reference asks this of what lies
 * between white space and CJK, after cleaning. One step of that walk: 1 goes on. */
static int passes(int32_t c, int *cased) {
    *cased = 0;
    if (unicode_is_removed(c))
        return 1;
    if (unicode_is_space(c) || unicode_is_cjk(c))
        return 0;
    if (unicode_is_case_ignorable(c))
        return 1;
    *cased = unicode_is_cased(c);
    return 0;
}

static int is_final_sigma(const basic_tokenizer *w, size_t at, size_t end) {
    int32_t c;
    int cased = 0;
    while (at > 0) {
        at -= (size_t)unicode_decode_back(w->text, at, &c);
        if (!passes(c, &cased))
            break;
    }
    if (!cased)
        return 0;
    cased = 0;
    while (end < w->n) {
        end += (size_t)unicode_decode(w->text + end, w->n - end, &c);
        if (!passes(c, &cased))
            break;
    }
    return !cased;
}

/* Append a code point in canonical order: a combining mark goes before the marks of a higher class
 * that stand between it and its starter. Mn are dropped, but one of class 0 is a starter too. */
static void append(basic_tokenizer *w, int32_t c) {
    int class = unicode_combining(c);
    int mark = class != 0;
    if (!mark)
        w->marks = 0;
    if (unicode_category(c) == UTF8PROC_CATEGORY_MN)
        return;
    char bytes[4];
    size_t len = (size_t)unicode_encode(c, bytes), place = w->len;
    w->points += w->points <= BASIC_MAX;
    if (w->len + len > BASIC_BYTES || w->points > BASIC_MAX)
        return;
    for (int k = 0; mark && k < w->marks; k++) {
        int32_t before;
        size_t back = (size_t)unicode_decode_back(w->word, place, &before);
        if (unicode_combining(before) <= class)
            break;
        place -= back;
    }
    memmove(w->word + place + len, w->word + place, w->len - place);
    memcpy(w->word + place, bytes, len);
    w->len += len;
    w->marks += mark;
}

/* a character outside ASCII; 1: the word is complete */
static int take_wide(basic_tokenizer *w) {
    int32_t c, parts[UNICODE_PARTS];
    size_t begin = w->at, end = begin + (size_t)unicode_decode(w->text + begin, w->n - begin, &c);
    int n = 0, alone = 0;
    if (unicode_is_removed(c)) {
        w->at = end;
        return 0;
    }
    if (unicode_is_space(c)) {
        w->at = end;
        return w->points > 0;
    }
    if (c == 0x3A3 && is_final_sigma(w, begin, end))
        parts[n++] = 0x3C2;
    else
        n = unicode_lower_parts(c, parts);
    /* punctuation comes out of a decomposition first, with nothing but Mn behind it */
    alone = unicode_is_cjk(c) || unicode_is_punctuation(parts[0]);
    if (alone && w->points > 0)
        return 1;
    for (int i = 0; i < n; i++)
        append(w, parts[i]);
    w->at = end;
    return alone;
}

int basic_tokenizer_next(basic_tokenizer *w) {
    w->points = w->marks = 0;
    w->len = 0;
    while (w->at < w->n) {
        switch (kind((unsigned char)w->text[w->at])) {
        case LETTER:
            take_letters(w);
            break;
        case SPACE:
            w->at++;
            if (w->points > 0)
                return 1;
            break;
        case PUNCTUATION:
            if (w->points == 0) {
                w->word[0] = w->text[w->at++];
                w->len = 1;
                w->points = 1;
            }
            return 1;
        case WIDE:
            if (take_wide(w))
                return 1;
            break;
        default:
            w->at++;
        }
    }
    return w->points > 0;
}
