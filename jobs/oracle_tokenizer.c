#include "oracle.h"

#include "base/arena.h"
#include "io/lines.h"
#include "text/wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 10 };

/* 1 if the ids of text are those written behind it */
static int same_ids(const int32_t *ids, int count, const char *expected) {
    int i = 0;
    for (char *end; *expected; expected = end + (*end == ' '), i++) {
        long id = strtol(expected, &end, 10);
        if (end == expected || i >= count || ids[i] != id)
            return 0;
    }
    return i == count;
}

/* one line: text, a tab, ids. The text may hold any byte but a newline: hard cases have NUL. */
static err compare_line(const wordpiece *w, const char *file, int line, const char *text,
                        const char *end, int *differences) {
    const char *tab = memrchr(text, '\t', (size_t)(end - text));
    CHECK(tab, ERR_DATA, "%s:%d: expected text, a tab, ids", file, line);
    size_t n = (size_t)(tab - text);
    int32_t *ids = NULL;
    int count = 0;
    CALL(mem_alloc(n + 1, sizeof *ids, &ids)); /* never more pieces than bytes */
    wordpiece_encode(w, text, n, ids, (int)n + 1, &count);
    if (!same_ids(ids, count, tab + 1) && (*differences)++ < SHOWN) {
        printf("%s:%d: expected %s, got", file, line, tab + 1);
        for (int k = 0; k < count; k++)
            printf(" %d", ids[k]);
        printf("\n");
    }
    free(ids);
    return OK;
}

err oracle_tokenizer(const par *p, const char *vocab, const char *file) {
    if (p->rank != 0)
        return OK;
    wordpiece *w = NULL;
    char *bytes = NULL;
    size_t n = 0;
    int differences = 0, count = 0;
    err e;
    TRY(wordpiece_open(vocab, &w));
    TRY(file_read(file, &bytes, &n));
    for (char *line = bytes; line < bytes + n; count++) {
        char *end = memchr(line, '\n', (size_t)(bytes + n - line));
        end = end ? end : bytes + n;
        *end = '\0';
        TRY(compare_line(w, file, count + 1, line, end, &differences));
        line = end + 1;
    }
    printf("tokenizer: %d lines, %d differences\n", count, differences);
    ENSURE(differences == 0, ERR_FAILED, "%d of %d lines differ from %s", differences, count, file);
done:
    free(bytes);
    wordpiece_close(&w);
    return e;
}
