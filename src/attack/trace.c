/* A query: a byte of flags (two bits of purpose, taken, similarity tested, word changes), the
 * predicted class, the word where it changes, the text's hash, the probability, the similarity.
 * Counts are in bytes of seven bits, lowest first; the rest is little-endian. */
#include "attack/trace.h"

#include "base/arena.h"
#include "io/base64.h"

#include <math.h>
#include <string.h>

enum { PURPOSE = 3, TAKEN = 4, TESTED = 8, MOVED = 16 };

static err put_count(strbuf *b, uint32_t n) {
    for (; n >= 128; n >>= 7) {
        const char c = (char)((n & 127) | 128);
        CALL(strbuf_add(b, &c, 1));
    }
    return strbuf_add(b, &(char){(char)n}, 1);
}

static err put_bits(strbuf *b, uint64_t bits) {
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> 8 * i & 255);
    return strbuf_add(b, bytes, sizeof bytes);
}

static err put_real(strbuf *b, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return put_bits(b, bits);
}

static err put_query(strbuf *b, const attack_query *q, int word) {
    const int tested = !isnan(q->similarity), moved = q->word != word;
    const char flags = (char)((int)q->purpose | (q->taken ? TAKEN : 0) | (tested ? TESTED : 0) |
                              (moved ? MOVED : 0));
    CALL(strbuf_add(b, &flags, 1));
    CALL(put_count(b, (uint32_t)q->predicted));
    if (moved)
        CALL(put_count(b, (uint32_t)(q->word + 1)));
    CALL(put_bits(b, q->text));
    CALL(put_real(b, q->prob));
    return tested ? put_real(b, q->similarity) : OK;
}

err trace_write(const attack_query *q, int n, strbuf *out) {
    strbuf packed = {0};
    err e = OK;
    for (int i = 0; i < n && e == OK; i++)
        e = put_query(&packed, &q[i], i > 0 ? q[i - 1].word : -1);
    if (e == OK)
        e = base64_encode(packed.text, packed.len, out);
    strbuf_free(&packed);
    return e;
}

typedef struct reader {
    const unsigned char *at, *end;
} reader;

static err take_count(reader *r, int *out) {
    uint32_t n = 0;
    for (int shift = 0;; shift += 7) {
        CHECK(r->at < r->end && shift < 28, ERR_DATA, "journal of attack: its queries end early");
        const unsigned char c = *r->at++;
        n |= (uint32_t)(c & 127) << shift;
        if (c < 128)
            break;
    }
    *out = (int)n;
    return OK;
}

static err take_bits(reader *r, uint64_t *out) {
    CHECK(r->end - r->at >= 8, ERR_DATA, "journal of attack: its queries end early");
    *out = 0;
    for (int i = 0; i < 8; i++)
        *out |= (uint64_t)*r->at++ << 8 * i;
    return OK;
}

static err take_real(reader *r, double *out) {
    uint64_t bits = 0;
    CALL(take_bits(r, &bits));
    memcpy(out, &bits, sizeof bits);
    return OK;
}

static err take_query(reader *r, attack_query *q) {
    const int flags = *r->at++;
    CHECK((flags & PURPOSE) <= QUERY_CANDIDATE && flags < 2 * MOVED, ERR_DATA,
          "journal of attack: a query has flags %d", flags);
    q->purpose = (attack_purpose)(flags & PURPOSE);
    q->taken = (flags & TAKEN) != 0;
    CALL(take_count(r, &q->predicted));
    if (flags & MOVED) {
        CALL(take_count(r, &q->word));
        q->word--;
    }
    CALL(take_bits(r, &q->text));
    CALL(take_real(r, &q->prob));
    q->similarity = NAN;
    return flags & TESTED ? take_real(r, &q->similarity) : OK;
}

err trace_read(const char *text, attack_result *result) {
    strbuf packed = {0};
    attack_query q = {.word = -1}; /* the word stays until it moves */
    err e;
    TRY(base64_decode(text, &packed));
    reader r = {.at = (const unsigned char *)packed.text};
    r.end = r.at + packed.len;
    while (e == OK && r.at < r.end) {
        e = take_query(&r, &q);
        if (e == OK)
            e = attack_result_add(result, &q);
    }
    if (e == OK && result->n_query > 0) /* many results are kept at a time */
        e = mem_resize((size_t)result->n_query, sizeof *result->query, &result->query);
    result->cap_query = (size_t)result->n_query;
done:
    strbuf_free(&packed);
    return e;
}
