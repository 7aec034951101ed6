#include "attack/neighbour_index.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, ORDER = 0x01020304, HEADER_BYTES = 128 };
static const char MAGIC[8] = "ESPNEAR\n";

typedef struct header {
    char magic[8];
    uint32_t version, order;
    uint64_t words, pairs, text_bytes, provenance_bytes;
    char sha256[64];
    char zeros[16];
} header;

_Static_assert(sizeof(header) == HEADER_BYTES, "the header is 128 bytes");
_Static_assert(sizeof(nearest_one) == 8, "a pair is 8 bytes");

int neighbour_index_is(const char *path) {
    char begin[sizeof MAGIC];
    FILE *f = fopen(path, "rbe");
    if (!f)
        return 0;
    size_t n = fread(begin, 1, sizeof begin, f);
    fclose(f);
    return n == sizeof begin && memcmp(begin, MAGIC, sizeof begin) == 0;
}

static size_t filled(size_t n) {
    return (n + 7) / 8 * 8;
}

static size_t numbers_bytes(uint64_t words) {
    return filled(((size_t)words + 1) * sizeof(uint32_t));
}

static err check_header(const char *path, const header *h, size_t bytes) {
    static const char again[] = "make it again with `espalier prepare synonyms'";
    CHECK(bytes >= HEADER_BYTES && memcmp(h->magic, MAGIC, sizeof MAGIC) == 0, ERR_DATA,
          "%s: not an index of neighbours: it does not begin with ESPNEAR and a header of %d bytes",
          path, (int)HEADER_BYTES);
    CHECK(h->order == ORDER, ERR_DATA, "%s: its numbers are not little-endian; %s", path, again);
    CHECK(h->version == VERSION, ERR_DATA, "%s: version %u of an index, expected %d; %s", path,
          h->version, (int)VERSION, again);
    CHECK(h->words < UINT32_MAX && h->pairs < UINT32_MAX && h->text_bytes < UINT32_MAX &&
              h->provenance_bytes < UINT32_MAX && h->provenance_bytes > 0,
          ERR_DATA, "%s: its header is damaged; %s", path, again);
    size_t want = HEADER_BYTES + 2 * numbers_bytes(h->words) + 8 * (size_t)h->pairs +
                  (size_t)h->text_bytes + (size_t)h->provenance_bytes;
    CHECK(bytes >= want, ERR_DATA, "%s: cut off: %zu bytes of %zu; %s", path, bytes, want, again);
    CHECK(bytes == want, ERR_DATA, "%s: %zu bytes, expected %zu; %s", path, bytes, want, again);
    char hex[65];
    hash_bytes((const char *)h + HEADER_BYTES, bytes - HEADER_BYTES, hex);
    CHECK(memcmp(hex, h->sha256, sizeof h->sha256) == 0, ERR_DATA,
          "%s: damaged: its SHA-256 is not the one in its header; %s", path, again);
    return OK;
}

static err check_numbers(const char *path, const neighbour_index *x, size_t text_bytes) {
    int right = x->word_at[0] == 0 && x->word_at[x->words] == text_bytes && x->first[0] == 0 &&
                x->first[x->words] == x->pairs && x->provenance[-1] == '\0';
    for (uint32_t i = 0; i < x->words && right; i++)
        right = x->word_at[i] < x->word_at[i + 1] && x->first[i] <= x->first[i + 1] &&
                x->word_at[i + 1] <= text_bytes && x->text[x->word_at[i + 1] - 1] == '\0';
    for (uint64_t k = 0; k < x->pairs && right; k++)
        right = x->pair[k].word < x->words;
    CHECK(right, ERR_DATA, "%s: a number is out of its range; it was not made by this program",
          path);
    return OK;
}

err neighbour_index_open(const char *path, neighbour_index *out) {
    size_t n;
    *out = (neighbour_index){0};
    CALL(file_read(path, &out->bytes, &n));
    const header *h = (const header *)(const void *)out->bytes;
    err e;
    TRY(check_header(path, h, n));
    const char *at = out->bytes + HEADER_BYTES;
    out->words = (uint32_t)h->words;
    out->pairs = h->pairs;
    out->word_at = (const void *)at;
    out->first = (const void *)(at += numbers_bytes(h->words));
    out->pair = (const void *)(at += numbers_bytes(h->words));
    out->text = at += 8 * (size_t)h->pairs;
    out->provenance = at + h->text_bytes;
    ENSURE(out->provenance[h->provenance_bytes - 1] == '\0', ERR_DATA,
           "%s: its provenance does not end", path);
    TRY(check_numbers(path, out, (size_t)h->text_bytes));
done:
    if (e != OK)
        neighbour_index_close(out);
    return e;
}

void neighbour_index_close(neighbour_index *x) {
    free(x->bytes);
    *x = (neighbour_index){0};
}

static err add_numbers(strbuf *b, const uint32_t *x, size_t n) {
    static const char zeros[8] = {0};
    CALL(strbuf_add(b, (const char *)x, n * sizeof *x));
    return strbuf_add(b, zeros, filled(n * sizeof *x) - n * sizeof *x);
}

/* everything behind the header */
static err body(const neighbour_lists *l, const char *provenance, uint32_t *numbers, header *h,
                strbuf *b) {
    uint32_t n = (uint32_t)h->words, at = 0;
    for (uint32_t i = 0; i <= n; i++) {
        numbers[i] = at;
        at += i < n ? (uint32_t)strlen(dictionary_key(l->words, (int32_t)i)) + 1 : 0;
    }
    h->text_bytes = at;
    CALL(add_numbers(b, numbers, (size_t)n + 1));
    for (uint32_t i = 0, pair = 0; i <= n; i++) {
        numbers[i] = pair;
        pair += i < n ? (uint32_t)l->count[i] : 0;
    }
    h->pairs = numbers[n];
    CALL(add_numbers(b, numbers, (size_t)n + 1));
    for (uint32_t i = 0; i < n; i++)
        if (l->count[i] > 0)
            CALL(strbuf_add(b, (const char *)l->list[i], (size_t)l->count[i] * sizeof *l->list[i]));
    for (uint32_t i = 0; i < n; i++) {
        const char *word = dictionary_key(l->words, (int32_t)i);
        CALL(strbuf_add(b, word, strlen(word) + 1));
    }
    h->provenance_bytes = strlen(provenance) + 1;
    return strbuf_add(b, provenance, strlen(provenance) + 1);
}

err neighbour_index_write(const char *path, const neighbour_lists *l, const char *provenance) {
    header h = {.version = VERSION, .order = ORDER, .words = (uint64_t)dictionary_count(l->words)};
    uint32_t *numbers = NULL;
    strbuf b = {0};
    atomic_file a = {0};
    char hex[65];
    err e;
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    TRY(mem_alloc((size_t)h.words + 1, sizeof *numbers, &numbers));
    TRY(body(l, provenance, numbers, &h, &b));
    hash_bytes(b.text, b.len, hex);
    memcpy(h.sha256, hex, sizeof h.sha256);
    TRY(atomic_begin(path, &a));
    fwrite(&h, 1, sizeof h, a.f);
    fwrite(b.text, 1, b.len, a.f);
    TRY(atomic_commit(&a));
done:
    atomic_discard(&a);
    free(numbers);
    strbuf_free(&b);
    return e;
}
