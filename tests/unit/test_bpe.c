/* Byte-level BPE: words and merges by hand, slow translations of the published expression and of
 * the merging beside the fast path, files that are refused */
#include "base/rng.h"
#include "text/bpe.h"
#include "text/bpe_words.h"
#include "text/unicode.h"
#include "unit/scratch.h"

#include <utf8proc.h>

/* --- words ------------------------------------------------------------------------------------ */

static const char *cut(const char *text, size_t n) {
    static char out[4096];
    bpe_words w;
    size_t at = 0;
    bpe_words_open(&w, text, n);
    while (bpe_words_next(&w)) {
        out[at++] = '|';
        memcpy(out + at, w.word, w.len);
        at += w.len;
    }
    out[at] = '\0';
    return out;
}

#define expect_words(text, want) ck_assert_str_eq(cut(text, sizeof(text) - 1), want)

START_TEST(words_by_hand) {
    expect_words("", "");
    expect_words("Hello world", "|Hello| world");
    expect_words("don't I'll we've you're I'm he'd it's", "|don|'t| I|'ll| we|'ve| you|'re| I|'m| "
                                                          "he|'d| it|'s");
    expect_words("DON'T ''s 's 'x '", "|DON|'|T| ''|s| '|s| '|x| '");
    expect_words("abc123 4x5 \u00bd\u2167", "|abc|123| 4|x|5| \u00bd\u2167");
    expect_words("a  b   c", "|a| | b|  | c");
    expect_words("a \t b\n\nc\td", "|a| \t| b|\n|\n|c|\t|d");
    expect_words("a  ", "|a|  ");
    expect_words("  ", "|  ");
    expect_words(" !?$ ...x", "| !?$| ...|x");
    expect_words("\u00e9\u4e2d\u56fd e\u0301", "|\u00e9\u4e2d\u56fd| e|\u0301"); /* Mn: other */
    expect_words("a\u00a0b\u3000 c", "|a|\u00a0|b|\u3000| c");
    expect_words("a\x1c\x1f b", "|a|\x1c\x1f| b"); /* no White_Space, unlike str.isspace */
    expect_words("a\xff\xc3 b\xe4\xb8", "|a|\xff\xc3| b|\xe4\xb8");
}
END_TEST

/* The expression as it is written: one alternative after the other at each place, on code points.
 */
typedef struct points {
    int32_t c[256];
    int n;
} points;

static int is_letter(int32_t c) {
    return utf8proc_category_string(c)[0] == 'L';
}

static int is_number(int32_t c) {
    return utf8proc_category_string(c)[0] == 'N';
}

static int is_other(int32_t c) {
    return !unicode_is_white(c) && !is_letter(c) && !is_number(c);
}

static int star(const points *p, int at, int (*is)(int32_t)) {
    while (at < p->n && is(p->c[at]))
        at++;
    return at;
}

/* " ?[is]+": the end of the match, `at` where there is none */
static int spaced(const points *p, int at, int (*is)(int32_t)) {
    int from = at < p->n && p->c[at] == ' ' ? at + 1 : at, end = star(p, from, is);
    if (end > from)
        return end;
    return star(p, at, is);
}

static int match(const points *p, int at) {
    static const char *const tails[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        int k = 0;
        while (tails[i][k] && at + k < p->n && p->c[at + k] == tails[i][k])
            k++;
        if (!tails[i][k])
            return at + k;
    }
    int (*const is[])(int32_t) = {is_letter, is_number, is_other};
    for (int i = 0; i < 3; i++) {
        int end = spaced(p, at, is[i]);
        if (end > at)
            return end;
    }
    int end = star(p, at, unicode_is_white);
    for (int e = end; e > at; e--) /* \s+(?!\S): give back until no non-space follows */
        if (e == p->n || unicode_is_white(p->c[e]))
            return e;
    return end;
}

/* code points that were assigned long ago, so that utf8proc's version does not matter */
static int32_t some_point(rng_stream *r) {
    static const int32_t often[] = {' ',  ' ',  ' ',    '\t',   '\n',   '\'',   's',    't',
                                    'l',  'l',  'r',    'e',    'v',    'm',    'd',    'a',
                                    'Z',  '0',  '9',    '!',    '-',    0xA0,   0x85,   0x2028,
                                    0xE9, 0xBD, 0x4E2D, 0x0301, 0x3000, 0x0660, 0x20AC, 0xFFFD};
    if (rng_below(r, 4))
        return often[rng_below(r, sizeof often / sizeof *often)];
    int32_t c = 1 + (int32_t)rng_below(r, 0x2FFFF);
    int unassigned = utf8proc_category(c) == UTF8PROC_CATEGORY_CN || unicode_category(c) == 0;
    return unassigned || (c >= 0xD800 && c < 0xE000) ? 'x' : c;
}

START_TEST(words_slowly) {
    rng_stream r = rng_open(3, RNG_TEST, 0, 0);
    for (int i = 0; i < 20000; i++) {
        points p = {.n = (int)rng_below(&r, 24)};
        char text[256];
        size_t n = 0, begin = 0;
        for (int k = 0; k < p.n; k++) {
            p.c[k] = some_point(&r);
            n += (size_t)unicode_encode(p.c[k], text + n);
        }
        bpe_words w;
        bpe_words_open(&w, text, n);
        for (int at = 0; at < p.n;) {
            int end = match(&p, at);
            char bytes[4];
            size_t len = 0;
            for (; at < end; at++)
                len += (size_t)unicode_encode(p.c[at], bytes);
            ck_assert_int_eq(bpe_words_next(&w), 1);
            ck_assert_ptr_eq(w.word, text + begin);
            ck_assert_msg(w.len == len, "text %d: a word of %zu bytes, expected %zu", i, w.len,
                          len);
            begin += len;
        }
        ck_assert_int_eq(bpe_words_next(&w), 0);
    }
}
END_TEST

/* --- merging ---------------------------------------------------------------------------------- */

enum { PIECES = 700, MERGES = 500, PIECE_BYTES = 24 };

typedef struct piece {
    unsigned char bytes[PIECE_BYTES];
    int len, id;
} piece;

/* a vocabulary and its merges as the reference sees them: bytes */
typedef struct model {
    piece vocabulary[PIECES], left[MERGES], right[MERGES];
    int n, n_merges;
} model;

/* the character that a byte is written as */
static int write_byte(int b, char *out) {
    int32_t c = b;
    if (b < 33 || (b > 126 && b < 161) || b == 173) {
        c = 256;
        for (int k = 0; k < b; k++)
            c += k < 33 || (k > 126 && k < 161) || k == 173;
    }
    return unicode_encode(c, out);
}

static void write_piece(const piece *p, char *out) {
    for (int i = 0; i < p->len; i++)
        out += write_byte(p->bytes[i], out);
    *out = '\0';
}

static int same(const piece *a, const piece *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, (size_t)a->len) == 0;
}

static int find(const model *m, const piece *p) {
    for (int i = 0; i < m->n; i++)
        if (same(&m->vocabulary[i], p))
            return i;
    return -1;
}

static piece joined(const piece *a, const piece *b) {
    piece p = *a;
    memcpy(p.bytes + a->len, b->bytes, (size_t)b->len);
    p.len += b->len;
    return p;
}

/* bytes of a small alphabet and merges of whatever is there: in an order no training would give,
 * with pieces that are made in several ways */
static void model_make(model *m, uint32_t seed) {
    rng_stream r = rng_open(seed, RNG_TEST, 1, 0);
    *m = (model){0};
    for (int b = 0; b < 256; b++)
        if (b < 128 || b % 3) /* some bytes are not in the vocabulary */
            m->vocabulary[m->n++] = (piece){.bytes = {(unsigned char)b}, .len = 1};
    int bytes = m->n;
    for (int tries = 0; m->n_merges < MERGES && m->n < PIECES && tries < 5000; tries++) {
        piece side[2];
        for (int k = 0; k < 2; k++) {
            const piece letter = {.bytes = {(unsigned char)("ab cd"[rng_below(&r, 5)])}, .len = 1};
            int made = m->n > bytes && rng_below(&r, 3);
            side[k] =
                made ? m->vocabulary[bytes + (int)rng_below(&r, (uint32_t)(m->n - bytes))] : letter;
        }
        int twice = side[0].len + side[1].len > 8;
        for (int i = 0; i < m->n_merges; i++)
            twice |= same(&m->left[i], &side[0]) && same(&m->right[i], &side[1]);
        if (twice)
            continue;
        piece p = joined(&side[0], &side[1]);
        m->left[m->n_merges] = side[0];
        m->right[m->n_merges++] = side[1];
        if (find(m, &p) < 0)
            m->vocabulary[m->n++] = p;
    }
    for (int i = m->n_merges - 1; i > 0; i--) { /* ranks in any order */
        int k = (int)rng_below(&r, (uint32_t)i + 1);
        piece left = m->left[i], right = m->right[i];
        m->left[i] = m->left[k], m->right[i] = m->right[k];
        m->left[k] = left, m->right[k] = right;
    }
}

static void model_write(const model *m) {
    char a[3 * PIECE_BYTES], b[3 * PIECE_BYTES];
    FILE *v = fopen("vocab.json", "w"), *f = fopen("merges.txt", "w");
    ck_assert(v != NULL && f != NULL);
    fputs("{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3", v);
    for (int i = 0; i < m->n; i++) {
        write_piece(&m->vocabulary[i], a);
        const char *quoted = strcmp(a, "\"") == 0 ? "\\\"" : strcmp(a, "\\") == 0 ? "\\\\" : a;
        fprintf(v, ",\n\"%s\": %d", quoted, i + 4);
    }
    fputs("}\n", v);
    fputs("#version: 0.2\n", f);
    for (int i = 0; i < m->n_merges; i++) {
        write_piece(&m->left[i], a);
        write_piece(&m->right[i], b);
        fprintf(f, "%s %s\n", a, b);
    }
    ck_assert_int_eq(fclose(v), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* the loop of the published encoder: the pair that ranks first, everywhere, until there is none */
static int merge_slowly(const model *m, piece *w, int n) {
    for (;;) {
        int best = m->n_merges;
        for (int i = 0; i + 1 < n; i++)
            for (int k = 0; k < best; k++)
                if (same(&w[i], &m->left[k]) && same(&w[i + 1], &m->right[k]))
                    best = k;
        if (best == m->n_merges)
            return n;
        int to = 0;
        piece left = m->left[best], right = m->right[best];
        for (int i = 0; i < n; to++)
            if (i + 1 < n && same(&w[i], &left) && same(&w[i + 1], &right)) {
                w[to] = joined(&w[i], &w[i + 1]);
                i += 2;
            } else {
                w[to] = w[i++];
            }
        n = to;
    }
}

static int encode_slowly(const model *m, const char *text, size_t n, int32_t *ids) {
    static piece w[512];
    int count = 0;
    bpe_words x;
    bpe_words_open(&x, text, n);
    while (bpe_words_next(&x)) {
        for (size_t i = 0; i < x.len; i++)
            w[i] = (piece){.bytes = {(unsigned char)x.word[i]}, .len = 1};
        int left = merge_slowly(m, w, (int)x.len);
        for (int i = 0; i < left; i++) {
            int id = find(m, &w[i]);
            ids[count++] = id < 0 ? 3 : id + 4;
        }
    }
    return count;
}

static bpe *open_files(void) {
    bpe *w;
    ck_ok(bpe_open("vocab.json", "merges.txt", &w));
    return w;
}

START_TEST(merges_slowly) {
    static model m;
    model_make(&m, (uint32_t)_i);
    model_write(&m);
    bpe *w = open_files();
    rng_stream r = rng_open(9, RNG_TEST, (uint32_t)_i, 0);
    for (int i = 0; i < 400; i++) {
        /* words of up to 400 bytes: on the stack and beyond */
        char text[512];
        size_t n = 0;
        int length = (int)rng_below(&r, i % 40 ? 30 : 400), letters = 1 + (int)rng_below(&r, 5);
        for (int k = 0; k < length && n < 400; k++)
            n += (size_t)unicode_encode(
                rng_below(&r, 50) ? "abcd "[rng_below(&r, (uint32_t)letters)] : some_point(&r),
                text + n);
        int32_t mine[512], slow[512];
        int count, want = encode_slowly(&m, text, n, slow);
        ck_ok(bpe_encode(w, text, n, mine, 512, &count));
        ck_assert_msg(count == want && memcmp(mine, slow, (size_t)count * sizeof *mine) == 0,
                      "model %d, text %d: \"%.*s\"", _i, i, (int)n, text);
    }
    bpe_close(&w);
}
END_TEST

#define SPECIALS "\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3"
#define SMALL                                                                                      \
    "{" SPECIALS ", \"a\": 4, \"b\": 5, \"ab\": 6, \"\u0120\": 7, \"\u0120ab\": 8, "               \
    "\"\u00ef\": 9, \"\u00bf\": 10, \"\u00bd\": 11, \"<mask>\": 12, \"\u0100\": 13}"

START_TEST(by_hand) {
    int32_t ids[16] = {[2] = 99};
    int n;
    put_text("vocab.json", SMALL);
    put_text("merges.txt", "#version: 0.2\na b\n\u0120 ab\n");
    bpe *w = open_files();
    ck_assert_int_eq(w->V, 14);
    ck_assert(w->cls == 0 && w->pad == 1 && w->sep == 2 && w->unk == 3 && w->mask == 12);
    ck_ok(bpe_encode(w, "ab ab", 5, ids, 2, &n)); /* counts all, stores two */
    ck_assert(n == 2 && ids[0] == 6 && ids[1] == 8 && ids[2] == 99);
    ck_ok(bpe_encode(w, "abba", 4, ids, 2, &n));
    ck_assert(n == 3 && ids[0] == 6 && ids[1] == 5 && ids[2] == 99);
    ck_ok(bpe_encode(w, "", 0, ids, 16, &n));
    ck_assert_int_eq(n, 0);
    ck_ok(bpe_encode(w, "Ab", 2, ids, 16, &n)); /* case is kept, an unknown byte is <unk> */
    ck_assert(n == 2 && ids[0] == 3 && ids[1] == 5);
    ck_ok(bpe_encode(w, "<s>", 3, ids, 16, &n)); /* text never gives special ids */
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(ids[i], 3);
    ck_ok(bpe_encode(w, "a\xff", 2, ids, 16, &n)); /* U+FFFD is ef bf bd */
    ck_assert(n == 4 && ids[1] == 9 && ids[2] == 10 && ids[3] == 11);
    ck_ok(bpe_encode(w, "\0", 1, ids, 16, &n));
    ck_assert(n == 1 && ids[0] == 13);
    ck_assert_str_eq(bpe_piece(w, 8), "\u0120ab");
    ck_assert_str_eq(bpe_piece(w, 14), "");
    ck_assert_str_eq(bpe_piece(w, -1), "");
    bpe_close(&w);
}
END_TEST

/* --- files that are refused ------------------------------------------------------------------- */

static const struct {
    const char *vocab, *merges, *message;
} REFUSED[] = {
    {"[1, 2]", "", "vocab.json:1: not an object from pieces to ids"},
    {"{}", "", "vocab.json:1: not an object from pieces to ids"},
    {"{" SPECIALS ",\n \"a\": 4", "", "vocab.json:2:"},
    {"{" SPECIALS ",\n \"a\": 4,\n \"a\": 5}", "", "vocab.json:3:"},
    {"{" SPECIALS ",\n \"a\": 4,\n \"b\": 6}", "",
     "vocab.json:3: piece \"b\" has no id from 0 to 5"},
    {"{" SPECIALS ",\n \"a\": -1}", "", "vocab.json:2: piece \"a\" has no id"},
    {"{" SPECIALS ",\n \"a\": \"4\"}", "", "vocab.json:2: piece \"a\" has no id"},
    {"{" SPECIALS ",\n \"a\": 4,\n \"b\": 4, \"c\": 5}", "",
     "vocab.json:3: pieces \"a\" and \"b\" have the same id 4"},
    {"{" SPECIALS ",\n\n \"\\u4e2d\": 4}", "", "vocab.json:3: piece \"\u4e2d\" is empty or has"},
    {"{" SPECIALS ", \"\": 4}", "", "is empty or has a character that stands for no byte"},
    {"{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2}", "", "vocab.json: the vocabulary has no <unk>"},
    {"{\"<s>\": 0, \"<pad>\": 1, \"<unk>\": 2}", "", "vocab.json: the vocabulary has no </s>"},
    {SMALL, "#version: 0.2\na b\na  b\n", "merges.txt:3: expected two pieces"},
    {SMALL, "#version: 0.2\nab\n", "merges.txt:2: expected two pieces"},
    {SMALL, "a b\n\na a\n", "merges.txt:2: expected two pieces"},
    {SMALL, "a b\na c\n", "merges.txt:2: \"c\" is not a piece of the vocabulary"},
    {SMALL, "a b\nb a\n", "merges.txt:2: \"ba\" is not a piece of the vocabulary"},
    {SMALL, "a b\na b\n", "merges.txt:2: the pair stands twice"},
    {SMALL, "a b\n\xff b\n", "merges.txt:2: invalid UTF-8"},
    {SMALL, "", "merges.txt:1: the file is empty"},
};

START_TEST(refused) {
    bpe *w = NULL;
    put_text("vocab.json", REFUSED[_i].vocab);
    put_text("merges.txt", REFUSED[_i].merges[0] || _i > 12 ? REFUSED[_i].merges : "a b\n");
    ck_refused(bpe_open("vocab.json", "merges.txt", &w), ERR_DATA, REFUSED[_i].message);
    ck_assert_ptr_null(w);
}
END_TEST

START_TEST(missing) {
    bpe *w = NULL;
    put_text("vocab.json", SMALL);
    ck_refused(bpe_open("vocab.json", "no-merges.txt", &w), ERR_IO, "no-merges.txt");
    ck_refused(bpe_open("no.json", "no-merges.txt", &w), ERR_IO, "no.json");
}
END_TEST

int main(void) {
    Suite *s = suite_create("bpe");
    TCase *c = tcase_create("bpe");
    tcase_add_test(c, words_by_hand);
    tcase_add_test(c, words_slowly);
    tcase_add_loop_test(c, merges_slowly, 0, 6);
    tcase_add_test(c, by_hand);
    tcase_add_loop_test(c, refused, 0, sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(c, missing);
    suite_add_tcase(s, c);
    return scratch_run(s);
}
