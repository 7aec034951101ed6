#include "oracle.h"

#include "base/arena.h"
#include "io/lines.h"
#include "text/tagger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 10 };

typedef struct tally {
    int words, texts, differences;
} tally;

/* lines first .. last - 1 are one text: word, Penn tag, universal tag */
static err compare_text(const tagger *t, lines *in, int first, int last, tally *count) {
    int n = last - first;
    char *column[3];
    const char **word = NULL, **penn = NULL, **universal = NULL;
    uint16_t *tags = NULL;
    int16_t *got = NULL;
    err e;
    TRY(mem_alloc((size_t)n, sizeof *word, &word));
    TRY(mem_alloc((size_t)n, sizeof *penn, &penn));
    TRY(mem_alloc((size_t)n, sizeof *universal, &universal));
    TRY(mem_alloc((size_t)n, sizeof *tags, &tags));
    TRY(mem_alloc((size_t)n, sizeof *got, &got));
    for (int i = 0; i < n; i++) {
        TRY(lines_columns(in, first + i + 1, in->line[first + i], column, 3));
        word[i] = column[0];
        penn[i] = column[1];
        universal[i] = column[2];
    }
    TRY(tagger_tag(t, word, n, tags, got));
    for (int i = 0; i < n; i++) {
        int same = strcmp(tagger_penn_name(t, got[i]), penn[i]) == 0 &&
                   strcmp(tag_name(tags[i]), universal[i]) == 0;
        if (!same && count->differences++ < SHOWN)
            printf("%s:%d: %s: expected %s %s, got %s %s\n", in->path, first + i + 1, word[i],
                   penn[i], universal[i], tagger_penn_name(t, got[i]), tag_name(tags[i]));
    }
    count->words += n;
    count->texts++;
done:
    free(word);
    free(penn);
    free(universal);
    free(tags);
    free(got);
    return e;
}

err oracle_tags(const par *p, const char *weights, const char *file) {
    if (p->rank != 0)
        return OK;
    tagger *t = NULL;
    lines in = {0};
    tally count = {0};
    err e;
    TRY(tagger_open("perceptron", weights, &t));
    TRY(lines_read(file, &in));
    for (int i = 0; i < in.n;) {
        int last = i;
        while (last < in.n && in.line[last][0])
            last++;
        if (last > i)
            TRY(compare_text(t, &in, i, last, &count));
        i = last + 1;
    }
    printf("tags: %d texts, %d words, %d differences\n", count.texts, count.words,
           count.differences);
    ENSURE(count.differences == 0, ERR_FAILED, "%d of %d tags differ from %s", count.differences,
           count.words, file);
done:
    lines_free(&in);
    tagger_close(&t);
    return e;
}
