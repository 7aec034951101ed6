/* the known layouts of labelled text, checked line by line where they enter */
#include "text/dataset.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layout {
    const char *name, *train, *test; /* files below the root */
    int csv, text_first, K;
    int first_label; /* as written for class 0 */
    const char *header;
    const char *label[4];
} layout;

static const layout LAYOUTS[] = {
    {"synthetic", "train.tsv", "test.tsv", 0, 1, 2, 0, "sentence\tlabel", {"negative", "positive"}},
    {"sst2",
     "sst2/train.tsv",
     "sst2/dev.tsv",
     0,
     1,
     2,
     0,
     "sentence\tlabel",
     {"negative", "positive"}},
    {"imdb",
     "imdb/train.tsv",
     "imdb/test.tsv",
     0,
     0,
     2,
     0,
     "label\ttext",
     {"negative", "positive"}},
    {"agnews",
     "agnews/train.csv",
     "agnews/test.csv",
     1,
     0,
     4,
     1,
     NULL,
     {"World", "Sports", "Business", "Sci/Tech"}},
};

/* a data set that grows row by row */
typedef struct builder {
    dataset d;
    strbuf text;
    int cap;
} builder;

static err reserve(builder *b) {
    if (b->d.n < b->cap)
        return OK;
    int cap = b->cap ? 2 * b->cap : 1024;
    CALL(mem_resize((size_t)cap + 1, sizeof *b->d.offset, &b->d.offset));
    CALL(mem_resize((size_t)cap, sizeof *b->d.label, &b->d.label));
    b->cap = cap;
    return OK;
}

static err add_row(builder *b, const char *text, int label) {
    CALL(reserve(b));
    b->d.offset[b->d.n] = (int64_t)b->text.len;
    b->d.label[b->d.n++] = label;
    CALL(strbuf_add(&b->text, text, strlen(text) + 1));
    b->d.offset[b->d.n] = (int64_t)b->text.len;
    return OK;
}

/* the finished data set; b is empty afterwards */
static err finish(builder *b, const char *path, dataset *out) {
    CHECK(b->d.n > 0, ERR_DATA, "%s: no example in the file", path);
    CALL(hash_file(path, b->d.sha256, &b->d.file_bytes));
    b->d.bytes = b->text.text;
    b->text = (strbuf){0};
    *out = b->d;
    b->d = (dataset){0};
    return OK;
}

static void drop(builder *b) {
    strbuf_free(&b->text);
    dataset_free(&b->d);
}

static err parse_label(const char *path, int line, const char *text, const layout *l, int *label) {
    int ok = text[0] >= '0' && text[0] <= '9' && text[1] == '\0';
    *label = ok ? text[0] - '0' - l->first_label : -1;
    CHECK(*label >= 0 && *label < l->K, ERR_DATA,
          "%s:%d: expected a label from %d to %d, got \"%.40s\"", path, line, l->first_label,
          l->first_label + l->K - 1, text);
    return OK;
}

static err check_text(const char *path, int line, const char *text) {
    CHECK(text[strspn(text, " \t\r\n")], ERR_DATA, "%s:%d: the text is empty", path, line);
    return OK;
}

static err read_tsv(const char *path, const layout *l, builder *b) {
    lines in;
    char *column[2];
    int label;
    CALL(lines_read(path, &in));
    err e = OK;
    ENSURE(strcmp(in.line[0], l->header) == 0, ERR_DATA,
           "%s:1: expected the header \"%s\" (tab between), got \"%.60s\"", path, l->header,
           in.line[0]);
    for (int i = 1; i < in.n; i++) {
        TRY(lines_columns(&in, i + 1, in.line[i], column, 2));
        const char *text = column[l->text_first ? 0 : 1];
        TRY(parse_label(path, i + 1, column[l->text_first ? 1 : 0], l, &label));
        TRY(check_text(path, i + 1, text));
        TRY(add_row(b, text, label));
    }
done:
    lines_free(&in);
    return e;
}

/* class, title, description; title and description joined by a space */
static err read_csv(const char *path, const layout *l, builder *b) {
    lines checked = {0}; /* read once for its checks, again because it splits at newlines */
    char *text = NULL, *column[3];
    strbuf joined = {0};
    size_t size = 0, at = 0;
    int line = 1, n, label;
    err e;
    TRY(lines_read(path, &checked));
    TRY(file_read(path, &text, &size));
    at = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < size) {
        int first = line;
        TRY(csv_record(path, text, size, &at, &line, column, 3, &n));
        ENSURE(n == 3, ERR_DATA, "%s:%d: expected 3 columns, got %d", path, first, n);
        TRY(parse_label(path, first, column[0], l, &label));
        strbuf_clear(&joined);
        TRY(strbuf_printf(&joined, "%s%s%s", column[1], column[1][0] && column[2][0] ? " " : "",
                          column[2]));
        TRY(check_text(path, first, joined.text));
        TRY(add_row(b, joined.text, label));
    }
done:
    lines_free(&checked);
    strbuf_free(&joined);
    free(text);
    return e;
}

err dataset_read(const char *name, const char *root, const char *split, dataset *out) {
    const layout *l = NULL;
    for (size_t i = 0; i < sizeof LAYOUTS / sizeof *LAYOUTS; i++)
        if (strcmp(LAYOUTS[i].name, name) == 0)
            l = &LAYOUTS[i];
    CHECK(l, ERR_USAGE, "unknown data set \"%s\"", name);
    char path[4096];
    CALL(path_join(path, root, strcmp(split, "train") == 0 ? l->train : l->test));
    builder b = {0};
    b.d.K = l->K;
    snprintf(b.d.name, sizeof b.d.name, "%s", name);
    snprintf(b.d.split, sizeof b.d.split, "%s", split);
    for (int k = 0; k < l->K; k++)
        snprintf(b.d.label_name[k], sizeof b.d.label_name[k], "%s", l->label[k]);
    err e = l->csv ? read_csv(path, l, &b) : read_tsv(path, l, &b);
    if (e == OK)
        e = finish(&b, path, out);
    drop(&b);
    return e;
}

err dataset_read_text(const char *path, int limit, dataset *out) {
    lines in;
    builder b = {0};
    CALL(lines_read(path, &in));
    err e = OK;
    snprintf(b.d.name, sizeof b.d.name, "text");
    snprintf(b.d.split, sizeof b.d.split, "corpus");
    for (int i = 0; i < in.n && (limit == 0 || b.d.n < limit); i++)
        if (in.line[i][0])
            TRY(add_row(&b, in.line[i], 0));
    TRY(finish(&b, path, out));
done:
    drop(&b);
    lines_free(&in);
    return e;
}
