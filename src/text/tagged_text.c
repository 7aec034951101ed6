#include "text/tagged_text.h"

#include "base/arena.h"
#include "text/tagger_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static err read_word(tagged_text *t, int line) {
    char *column[3];
    err e = lines_columns(&t->in, line + 1, t->in.line[line], column, 3);
    if (e != OK) {
        char told[300];
        snprintf(told, sizeof told, "%.299s", err_message());
        RAISE(e,
              "%s: word, universal tag and Penn tag, with tabs between; a blank line between "
              "sentences",
              told);
    }
    for (int k = 0; k < 3; k++)
        CHECK(column[k][0], ERR_DATA, "%s:%d: column %d is empty", t->in.path, line + 1, k + 1);
    CHECK(!strpbrk(column[0], " \v\f"), ERR_DATA,
          "%s:%d: \"%.40s\" has a space; a line is one word", t->in.path, line + 1, column[0]);
    CHECK(
        tag_bit(column[1]), ERR_DATA,
        "%s:%d: \"%.20s\" is not a universal tag (NOUN, VERB, …); the columns are word, universal "
        "tag, Penn tag",
        t->in.path, line + 1, column[1]);
    t->word[t->words] = column[0];
    t->universal[t->words] = column[1];
    t->penn[t->words++] = column[2];
    return OK;
}

err tagged_text_read(const char *path, tagged_text *out) {
    tagged_text *t = out;
    err e;
    *t = (tagged_text){0};
    CALL(lines_read(path, &t->in));
    size_t n = (size_t)t->in.n;
    TRY(mem_alloc(n, sizeof *t->word, &t->word));
    TRY(mem_alloc(n, sizeof *t->universal, &t->universal));
    TRY(mem_alloc(n, sizeof *t->penn, &t->penn));
    TRY(mem_alloc(n + 1, sizeof *t->first, &t->first));
    for (int i = 0; i < t->in.n; i++) {
        if (t->in.line[i][0])
            TRY(read_word(t, i));
        if (t->words > t->first[t->sentences] && (!t->in.line[i][0] || i + 1 == t->in.n))
            t->first[++t->sentences] = t->words;
    }
    ENSURE(t->sentences > 0, ERR_DATA, "%s:1: there is no word in this file", path);
done:
    if (e != OK)
        tagged_text_free(t);
    return e;
}

void tagged_text_free(tagged_text *t) {
    lines_free(&t->in);
    free(t->word);
    free(t->universal);
    free(t->penn);
    free(t->first);
    *t = (tagged_text){0};
}
