#include "text/bpe_words.h"

#include "text/unicode.h"

#include <string.h>
#include <utf8proc.h>

typedef enum kind { WHITE, LETTER, NUMBER, OTHER } kind;

void bpe_words_open(bpe_words *w, const char *text, size_t n) {
    *w = (bpe_words){.text = text, .n = n};
}

static kind ascii_kind(unsigned char c) {
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return LETTER;
    if (c >= '0' && c <= '9')
        return NUMBER;
    return c == ' ' || (c >= '\t' && c <= '\r') ? WHITE : OTHER;
}

static kind wide_kind(int32_t c) {
    int category = unicode_category(c);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
        return LETTER;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
        return NUMBER;
    return unicode_is_white(c) ? WHITE : OTHER;
}

/* the character at `at` and its bytes */
static kind kind_at(bpe_words *w, size_t at, size_t *bytes) {
    unsigned char c = (unsigned char)w->text[at];
    int32_t point;
    *bytes = 1;
    if (c < 128)
        return ascii_kind(c);
    *bytes = (size_t)unicode_decode(w->text + at, w->n - at, &point);
    w->invalid |= *bytes == 1;
    return wide_kind(point);
}

/* bytes of 's 't 're 've 'm 'll 'd at s, 0: none of them */
static size_t contraction(const char *s, size_t n) {
    if (n < 2 || s[0] != '\'')
        return 0;
    if (strchr("stmd", s[1]) && s[1])
        return 2;
    return n > 2 && (memcmp(s + 1, "re", 2) == 0 || memcmp(s + 1, "ve", 2) == 0 ||
                     memcmp(s + 1, "ll", 2) == 0)
               ? 3
               : 0;
}

/* the end of the run of k from `at` on; *last: bytes of its last character, *count: 1 or "more" */
static size_t run(bpe_words *w, size_t at, kind k, size_t *last, size_t *count) {
    size_t bytes;
    int before = w->invalid;
    *count = 0;
    while (at < w->n && kind_at(w, at, &bytes) == k) {
        before = w->invalid;
        *last = bytes;
        ++*count;
        at += bytes;
    }
    w->invalid = before; /* the character behind the run is not part of it */
    return at;
}

int bpe_words_next(bpe_words *w) {
    size_t begin = w->at, end, bytes = 0, last = 0, count = 0;
    w->invalid = 0;
    if (begin >= w->n)
        return 0;
    w->word = w->text + begin;
    end = begin + contraction(w->word, w->n - begin);
    if (end == begin) {
        size_t lead = w->text[begin] == ' ' && begin + 1 < w->n;
        kind k = kind_at(w, begin + lead, &bytes);
        w->invalid = 0;
        if (k != WHITE)
            end = run(w, begin + lead, k, &last, &count);
        else
            end = run(w, begin, k, &last, &count);
        /* white space leaves its last character to the word behind it, which takes a space */
        if (k == WHITE && end < w->n && count > 1)
            end -= last;
    }
    w->len = end - begin;
    w->at = end;
    return 1;
}
