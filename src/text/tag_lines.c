#include "text/tag_lines.h"

#include "base/arena.h"
#include "io/lines.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

struct tag_lines {
    const tagger *t;
    const char **word; /* (cap) of one line */
    uint16_t *tag;
    int16_t *class;
    int cap;
};

err tag_lines_create(const tagger *t, tag_lines **out) {
    CALL(mem_alloc(1, sizeof **out, out));
    (*out)->t = t;
    return OK;
}

void tag_lines_destroy(tag_lines **l) {
    if (!*l)
        return;
    free((*l)->word);
    free((*l)->tag);
    free((*l)->class);
    free(*l);
    *l = NULL;
}

static err grow(tag_lines *l) {
    size_t cap = l->cap ? 2 * (size_t)l->cap : 256;
    CALL(mem_resize(cap, sizeof *l->word, &l->word));
    CALL(mem_resize(cap, sizeof *l->tag, &l->tag));
    CALL(mem_resize(cap, sizeof *l->class, &l->class));
    l->cap = (int)cap;
    return OK;
}

/* bytes of the white space at s, 0 where there is none */
static size_t white(const char *s, size_t n) {
    unsigned char b = (unsigned char)*s;
    if (b < 0x80)
        return (b >= 0x09 && b <= 0x0d) || (b >= 0x1c && b <= 0x20);
    int32_t c;
    int size = unicode_decode(s, n, &c);
    return unicode_is_white(c) ? (size_t)size : 0;
}

/* the words of a line, each ended by NUL in place; *count of them */
static err split(tag_lines *l, char *s, size_t n, int *count) {
    char *end = s + n;
    int inside = 0;
    *count = 0;
    while (s < end) {
        size_t space = white(s, (size_t)(end - s));
        if (space)
            *s = '\0';
        else if (!inside) {
            if (*count == l->cap)
                CALL(grow(l));
            l->word[(*count)++] = s;
        }
        inside = !space;
        s += space ? space : 1;
    }
    return OK;
}

/* the tag and the universal tag of one word, with tabs before them and the line's end */
static err write_tags(const tag_lines *l, int i, strbuf *out) {
    if (l->class[i] >= 0) {
        const char *penn = tagger_penn_name(l->t, l->class[i]);
        const char *universal = tagger_universal_name(l->t, l->class[i]);
        CALL(strbuf_add(out, "\t", 1));
        CALL(strbuf_add(out, penn, strlen(penn)));
        CALL(strbuf_add(out, "\t", 1));
        CALL(strbuf_add(out, universal, strlen(universal)));
        return strbuf_add(out, "\n", 1);
    }
    const char *before = "\t-\t";
    for (unsigned bit = 1; bit <= TAG_X; bit <<= 1) {
        if (!(l->tag[i] & bit))
            continue;
        CALL(strbuf_printf(out, "%s%s", before, tag_name((uint16_t)bit)));
        before = "|";
    }
    return strbuf_add(out, "\n", 1);
}

static err tag_line(tag_lines *l, char *text, size_t n, strbuf *out) {
    int words;
    CALL(split(l, text, n, &words));
    CALL(tagger_tag(l->t, l->word, words, l->tag, l->class));
    for (int i = 0; i < words; i++) {
        CALL(strbuf_add(out, l->word[i], strlen(l->word[i])));
        CALL(write_tags(l, i, out));
    }
    return strbuf_add(out, "\n", 1);
}

err tag_lines_run(tag_lines *l, const char *file, int64_t line, char *text, size_t n, strbuf *out) {
    char *end = text + n;
    CALL(lines_check(file, line, text, n));
    while (text < end) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        *stop = '\0'; /* ends its last word */
        CALL(tag_line(l, text, (size_t)(stop - text), out));
        text = stop + 1;
    }
    return OK;
}
