/* vocab.json and merges.txt */
#include "text/bpe_table.h"

#include "base/arena.h"
#include "io/json.h"
#include "io/lines.h"
#include "text/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes written as characters ---------------------------------------------------------------
 */

/* bytes that stand for themselves: printable Latin-1 without the soft hyphen */
static int is_plain(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
}

/* the byte that a character stands for, -1: none */
static int byte_of(int32_t c) {
    if (c < 256)
        return is_plain((int)c) ? (int)c : -1;
    for (int b = 0, n = 256; b < 256 && n <= c; b++)
        if (!is_plain(b) && n++ == c)
            return b;
    return -1;
}

/* text (n bytes) as the bytes that it is written for, in place of it; their number, -1: a character
 * that is no byte */
static int to_bytes(char *text, size_t n) {
    int len = 0;
    for (size_t i = 0; i < n;) {
        int32_t c;
        i += (size_t)unicode_decode(text + i, n - i, &c);
        int b = byte_of(c);
        if (b < 0)
            return -1;
        text[len++] = (char)b;
    }
    return len;
}

/* --- vocab.json --------------------------------------------------------------------------------
 */

/* The line of the file on which a piece stands, for messages: the parser does not tell. 1 where it
 * is written with escapes that another writer would not use. */
static int line_of(const char *path, const char *piece) {
    json_t *j = json_string(piece);
    char *text = NULL;
    size_t n;
    int line = 1;
    if (j && file_read(path, &text, &n) == OK)
        for (size_t ascii = 0; ascii < 2; ascii++) {
            char *quoted = json_dumps(j, JSON_ENCODE_ANY | (ascii ? JSON_ENSURE_ASCII : 0));
            const char *at = quoted ? strcasestr(text, quoted) : NULL;
            for (const char *c = text; at && c < at; c++)
                line += *c == '\n';
            free(quoted);
            if (at)
                break;
        }
    free(text);
    json_decref(j);
    return line;
}

/* key (V): the piece of each id */
static err order_by_id(const json_t *o, const char *path, const char **key, int V) {
    const char *piece;
    json_t *v;
    json_object_foreach((json_t *)o, piece, v) {
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        CHECK(id >= 0 && id < V, ERR_DATA,
              "%s:%d: piece \"%.60s\" has no id from 0 to %d, the number of pieces less one", path,
              line_of(path, piece), piece, V - 1);
        CHECK(!key[id], ERR_DATA, "%s:%d: pieces \"%.60s\" and \"%.60s\" have the same id %d", path,
              line_of(path, piece), key[id], piece, (int)id);
        key[id] = piece;
    }
    return OK;
}

static err add_piece(bpe *w, const char *piece, int32_t id) {
    struct bpe_table *t = w->table;
    size_t n = strlen(piece);
    int32_t number;
    int fresh;
    char *bytes;
    CALL(dictionary_add(t->names, piece, n, &number, &fresh));
    CALL(mem_alloc(n + 1, 1, &bytes));
    memcpy(bytes, piece, n);
    int len = to_bytes(bytes, n);
    err e = len > 0 ? dictionary_add(t->pieces, bytes, (size_t)len, &number, &fresh) : OK;
    if (len == 1)
        t->byte[(unsigned char)bytes[0]] = id;
    free(bytes);
    CALL(e);
    CHECK(len > 0, ERR_DATA,
          "%s:%d: piece \"%.60s\" is empty or has a character that stands for no byte: is it a "
          "byte-level BPE vocabulary?",
          w->path, line_of(w->path, piece), piece);
    t->len[id] = (uint32_t)len;
    if ((size_t)len > t->longest)
        t->longest = (size_t)len;
    return OK;
}

static err find_specials(bpe *w) {
    const struct {
        const char *piece;
        int32_t *id;
        int needed;
    } specials[] = {{"<s>", &w->cls, 1},
                    {"</s>", &w->sep, 1},
                    {"<pad>", &w->pad, 1},
                    {"<unk>", &w->unk, 1},
                    {"<mask>", &w->mask, 0}};
    for (size_t k = 0; k < sizeof specials / sizeof *specials; k++) {
        const char *piece = specials[k].piece;
        *specials[k].id = dictionary_find(w->table->names, piece, strlen(piece));
        CHECK(*specials[k].id >= 0 || !specials[k].needed, ERR_DATA,
              "%s: the vocabulary has no %s: is it RoBERTa's?", w->path, piece);
    }
    return OK;
}

static err read_vocabulary(bpe *w) {
    struct bpe_table *t = w->table;
    json_t *o = NULL;
    const char **key = NULL;
    err e;
    TRY(json_read(w->path, &o));
    ENSURE(json_is_object(o) && json_object_size(o) > 0, ERR_DATA,
           "%s:1: not an object from pieces to ids", w->path);
    w->V = (int)json_object_size(o);
    TRY(mem_alloc((size_t)w->V, sizeof *key, &key));
    TRY(mem_alloc((size_t)w->V, sizeof *t->len, &t->len));
    TRY(order_by_id(o, w->path, key, w->V));
    for (int b = 0; b < 256; b++)
        t->byte[b] = -1;
    for (int32_t id = 0; id < w->V; id++) /* as many ids as pieces, none twice: none is missing */
        TRY(add_piece(w, key[id], id));
    TRY(find_specials(w));
done:
    free(key);
    json_decref(o);
    return e;
}

/* --- merges.txt --------------------------------------------------------------------------------
 */

static err known(const struct bpe_table *t, const char *path, int line, const char *piece, size_t n,
                 int32_t *id) {
    *id = dictionary_find(t->names, piece, n);
    CHECK(*id >= 0, ERR_DATA, "%s:%d: \"%.*s\" is not a piece of the vocabulary", path, line,
          n < 60 ? (int)n : 60, piece);
    return OK;
}

static err add_merge(struct bpe_table *t, const char *path, int line, char *text) {
    char *gap = strchr(text, ' ');
    CHECK(gap && gap > text && gap[1] && !strchr(gap + 1, ' '), ERR_DATA,
          "%s:%d: expected two pieces with a space between them", path, line);
    bpe_merge m;
    size_t left = (size_t)(gap - text), right = strlen(gap + 1);
    CALL(known(t, path, line, text, left, &m.left));
    CALL(known(t, path, line, gap + 1, right, &m.right));
    CHECK(bpe_rank(t, m.left, m.right) < 0, ERR_DATA, "%s:%d: the pair stands twice", path, line);
    memmove(gap, gap + 1, right + 1);
    CALL(known(t, path, line, text, left + right, &m.made));
    uint32_t i = bpe_place(t, m.left, m.right);
    while (t->slot[i].rank)
        i = (i + 1) & (t->slots - 1);
    t->merge[t->n_merges++] = m;
    t->slot[i] = (bpe_slot){m.left, m.right, t->n_merges};
    return OK;
}

static err read_merges(struct bpe_table *t, const char *path) {
    lines file = {0};
    err e;
    TRY(lines_read(path, &file));
    t->slots = 1024;
    while (t->slots < 2u * (uint32_t)file.n)
        t->slots *= 2;
    TRY(mem_alloc(t->slots, sizeof *t->slot, &t->slot));
    TRY(mem_alloc((size_t)file.n, sizeof *t->merge, &t->merge));
    for (int i = 0; i < file.n; i++) {
        int is_version = i == 0 && strncmp(file.line[0], "#version", 8) == 0;
        int is_end = i + 1 == file.n && !file.line[i][0];
        if (!is_version && !is_end)
            TRY(add_merge(t, path, i + 1, file.line[i]));
    }
done:
    lines_free(&file);
    return e;
}

err bpe_table_read(bpe *w, const char *merges) {
    CALL(mem_alloc(1, sizeof *w->table, &w->table));
    CALL(dictionary_create(&w->table->pieces));
    CALL(dictionary_create(&w->table->names));
    CALL(read_vocabulary(w));
    return read_merges(w->table, merges);
}

void bpe_table_free(struct bpe_table **table) {
    struct bpe_table *t = *table;
    if (!t)
        return;
    dictionary_destroy(&t->pieces);
    dictionary_destroy(&t->names);
    free(t->merge);
    free(t->slot);
    free(t->len);
    free(t->whole);
    free(t);
    *table = NULL;
}
