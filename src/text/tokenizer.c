#include "text/tokenizer.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"
#include "text/bpe.h"
#include "text/wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a file in the folder that path is in */
static err beside(char out[4096], const char *path, const char *name) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return path_join(out, ".", name);
    char dir[4096];
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return path_join(out, slash == path ? "/" : dir, name);
}

static int is_bpe(const char *path) {
    size_t n = strlen(path);
    return n >= 5 && strcmp(path + n - 5, ".json") == 0;
}

/* tokenizer_config.json may ask for what is not done here */
static err check_config(const tokenizer *t) {
    static const struct {
        const char *key, *means;
        int bpe, refused;
    } field[] = {
        {"do_lower_case", "a cased WordPiece vocabulary", 0, 0},
        {"strip_accents", "WordPiece that keeps accents", 0, 0},
        {"tokenize_chinese_chars", "WordPiece that keeps ideographs together", 0, 0},
        {"add_prefix_space", "byte-level BPE with a space before the text", 1, 1},
    };
    char path[4096];
    json_t *o = NULL;
    CALL(beside(path, t->path, "tokenizer_config.json"));
    if (!path_exists(path))
        return OK;
    CALL(json_read(path, &o));
    err e = OK;
    for (size_t i = 0; i < sizeof field / sizeof *field && e == OK; i++) {
        const json_t *v = json_object_get(o, field[i].key);
        if (field[i].bpe == is_bpe(t->path) && json_is_boolean(v) &&
            json_is_true(v) == field[i].refused)
            e = err_raise(ERR_DATA, __FILE__, __LINE__,
                          "%s: field \"%s\" is %s: %s is not supported", path, field[i].key,
                          json_is_true(v) ? "true" : "false", field[i].means);
    }
    json_decref(o);
    return e;
}

static err open_bpe(tokenizer *t) {
    char merges[4096];
    CALL(beside(merges, t->path, "merges.txt"));
    CALL(bpe_open(t->path, merges, &t->bpe));
    const bpe *w = t->bpe;
    t->V = w->V;
    t->pad = w->pad;
    t->unk = w->unk;
    t->cls = w->cls;
    t->sep = w->sep;
    t->mask = w->mask;
    return OK;
}

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
    TRY(check_config(t));
    TRY(is_bpe(path) ? open_bpe(t) : open_wordpiece(t));
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
    bpe_close(&(*t)->bpe);
    free(*t);
    *t = NULL;
}

err tokenizer_find(const char *dir, char path[4096]) {
    static const char *const names[] = {"vocab.txt", "vocab.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CALL(path_join(path, dir, names[i]));
        if (path_exists(path))
            return OK;
    }
    CALL(path_join(path, dir, "tokenizer.json"));
    RAISE(ERR_IO, "%s: neither vocab.txt nor vocab.json with merges.txt is there%s", dir,
          path_exists(path) ? "; tokenizer.json alone is not read: save the tokenizer once with "
                              "legacy_format=True"
                            : "");
}

err tokenizer_hash(const char *path, char hex[65]) {
    char merges[4096], both[130];
    CALL(hash_file(path, hex, NULL));
    if (!is_bpe(path))
        return OK;
    memcpy(both, hex, 65);
    CALL(beside(merges, path, "merges.txt"));
    CALL(hash_file(merges, both + 65, NULL));
    hash_bytes(both, sizeof both, hex);
    return OK;
}

err tokenizer_encode(const tokenizer *t, const char *text, size_t n, int32_t *ids, int cap,
                     int *count) {
    if (t->bpe)
        return bpe_encode(t->bpe, text, n, ids, cap, count);
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
    return t->bpe ? bpe_piece(t->bpe, id) : wordpiece_piece(t->wordpiece, id);
}
