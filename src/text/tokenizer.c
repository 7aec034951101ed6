#include "text/tokenizer.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "text/wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static err open_wordpiece(tokenizer *t) {
    CALL(wordpiece_open(t->path, &t->wordpiece));
    const wordpiece *w = t->wordpiece;
    t->V = w->V;
    t->pad = w->pad;
    t->unk = w->unk;
    t->cls = w->cls;
    t->sep = w->sep;
    t->mask = w->mask;
    return OK;
}

err tokenizer_open(const char *path, tokenizer **out) {
    tokenizer *t = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *t, &t));
    snprintf(t->path, sizeof t->path, "%s", path);
    TRY(open_wordpiece(t));
    *out = t;
    t = NULL;
done:
    tokenizer_close(&t);
    return e;
}

void tokenizer_close(tokenizer **t) {
    if (!*t)
        return;
    wordpiece_close(&(*t)->wordpiece);
    free(*t);
    *t = NULL;
}

err tokenizer_find(const char *dir, char path[4096]) {
    CALL(path_join(path, dir, "vocab.txt"));
    CHECK(path_exists(path), ERR_USAGE, "%s: no vocab.txt is there", dir);
    return OK;
}

err tokenizer_hash(const char *path, char hex[65]) {
    return hash_file(path, hex, NULL);
}

err tokenizer_encode(const tokenizer *t, const char *text, size_t n, int32_t *ids, int cap,
                     int *count) {
    wordpiece_encode(t->wordpiece, text, n, ids, cap, count);
    return OK;
}

err tokenizer_sequence(const tokenizer *t, const char *text, size_t n, int32_t *ids, int max_length,
                       int *length, int *cut) {
    int count = 0;
    ids[0] = t->cls;
    CALL(tokenizer_encode(t, text, n, ids + 1, max_length - 2, &count));
    *cut = count > max_length - 2;
    if (*cut)
        count = max_length - 2;
    ids[count + 1] = t->sep;
    *length = count + 2;
    return OK;
}

const char *tokenizer_piece(const tokenizer *t, int32_t id) {
    return wordpiece_piece(t->wordpiece, id);
}
