/* WordPiece: hard cases by hand, a slow translation of the reference beside the fast path, every
 * code point against Python's Unicode 14, recorded ids, and vocabularies that are refused */
#include "base/rng.h"
#include "io/lines.h"
#include "text/basic_tokenizer.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

static char folder[] = "/tmp/test_wordpiece.XXXXXX", shared[4096];

static void write_file(const char *path, const char *text, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static const char VOCABULARY[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "a\nab\nabc\n##c\n##cd\n##d\nun\n##aff\n##able\ne\n##e\n,\n.\n'\n"
    "\u4e2d\n\u56fd\nq\n##q\n#\n\u03c3\n##\u03c3\n##\u03c2\nb\n1\n##b\n"
    "\u302e\n##\u302e\n##\u302f\n##\U00016ff0\n\u00b7\n[\n]\nmask\n";

static wordpiece *small(void) {
    wordpiece *w = NULL;
    write_file("vocab.txt", VOCABULARY, strlen(VOCABULARY));
    ck_assert_msg(wordpiece_open("vocab.txt", &w) == OK, "%s", err_message());
    return w;
}

/* text's pieces, a space between */
static const char *pieces(const wordpiece *w, const char *text, size_t n) {
    static char out[4096];
    int32_t ids[512];
    int count;
    wordpiece_encode(w, text, n, ids, 512, &count);
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        strcat(out, i ? " " : "");
        strcat(out, wordpiece_piece(w, ids[i]));
    }
    return out;
}

#define expect(text, want) ck_assert_str_eq(pieces(w, text, sizeof(text) - 1), want)

START_TEST(by_hand) {
    wordpiece *w = small();
    expect("", "");
    expect(" \t\r\n ", "");
    expect("abc", "abc");
    expect("abcd", "abc ##d");
    expect("abcde", "abc ##d ##e");
    expect("unaffable", "un ##aff ##able");
    expect("abx abc", "[UNK] abc"); /* one [UNK] for the whole word */
    expect("abcxd", "[UNK]");
    expect("ABC aBc", "abc abc");
    expect("a,b.", "a , b .");
    expect(",.'", ", . '");
    expect("a#b", "a # b");
    expect("[MASK]", "[ mask ]"); /* text never gives special ids */
    expect("\u00e9\u00c9 e\u0301", "e ##e e");
    expect("a\u0301", "a");
    expect("\u0301 \u0301", "");
    expect("a\u4e2d\u56fdb", "a \u4e2d \u56fd b");
    expect("a\u00a0b\u3000a\u2028b\u2029a\u202fb", "a b a b a b");
    expect("a\0b\x01\x7f\xc2\x85\u00ad\u200b\ufeff\ufffd", "ab"); /* removed, not a break */
    expect("a\xff\xc3", "a");                                     /* invalid bytes */
    expect("a\xe4\xb8", "a");
    expect("\xed\xa0\x80q", "q"); /* a surrogate */
    expect("\u0387", "\u00b7");   /* punctuation by decomposition */
    expect("\u226e", "[UNK]");    /* < and a stroke */
    wordpiece_close(&w);
}
END_TEST

START_TEST(final_sigma) {
    wordpiece *w = small();
    expect("\u03a3", "\u03c3");
    expect("a\u03a3", "a ##\u03c2");
    expect("a\u03a3b", "a ##\u03c3 ##b");
    expect("a\u03a3 b", "a ##\u03c2 b");
    expect("a.\u03a3", "a . [UNK]"); /* a final sigma by itself, not in the vocabulary */
    wordpiece_close(&w);
}
END_TEST

START_TEST(marks_in_order) {
    wordpiece *w = small();
    expect("a\u302e\u302f", "a ##\u302e ##\u302f");         /* both of class 224 */
    expect("a\u302e\U00016ff0", "a ##\U00016ff0 ##\u302e"); /* 224 and 6: turned round */
    expect("a\u302e\u0301\U00016ff0", "a ##\U00016ff0 ##\u302e");
    /* a vowel sign (Mn, class 0) between them is dropped, but a starter */
    expect("a\u302e\u0ccc\U00016ff0", "a ##\u302e ##\U00016ff0");
    expect("a\u302eb\U00016ff0", "a ##\u302e ##b ##\U00016ff0");
    wordpiece_close(&w);
}
END_TEST

START_TEST(long_words) {
    wordpiece *w = small();
    char text[1024];
    memset(text, 'q', sizeof text);
    int32_t ids[512];
    int count;
    wordpiece_encode(w, text, 200, ids, 512, &count);
    ck_assert_int_eq(count, 200);
    wordpiece_encode(w, text, 201, ids, 512, &count);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(ids[0], w->unk);
    text[900] = ' ';
    wordpiece_encode(w, text, 1000, ids, 512, &count);
    ck_assert_int_eq(count, 1 + 99);
    /* code points count, not bytes, and marks that are dropped do not */
    for (int i = 0; i < 201; i++)
        memcpy(text + 2 * i, i % 2 ? "\u00e9" : "\u0301", 2);
    wordpiece_encode(w, text, 402, ids, 512, &count);
    ck_assert_int_eq(count, 100);
    wordpiece_close(&w);
}
END_TEST

START_TEST(limits) {
    wordpiece *w = small();
    int32_t ids[8] = {[2] = 99};
    int count;
    wordpiece_encode(w, "a b a", 5, ids, 2, &count); /* counts all, stores two */
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(ids[2], 99);
    ck_assert_str_eq(wordpiece_piece(w, -1), "");
    ck_assert_str_eq(wordpiece_piece(w, w->V), "");
    wordpiece_close(&w);
}
END_TEST

/* --- the reference, step by step on whole arrays of code points ------------------------------- */

enum { CAP = 2048 };

static int reference_look_up(const wordpiece *w, const int32_t *c, int n, int inside) {
    char piece[4 * CAP + 3] = "";
    size_t len = inside ? 2 : 0;
    memcpy(piece, "##", 2);
    for (int i = 0; i < n; i++)
        len += (size_t)utf8proc_encode_char(c[i], (utf8proc_uint8_t *)piece + len);
    piece[len] = '\0';
    for (int id = 0; id < w->V; id++)
        if (strcmp(wordpiece_piece(w, id), piece) == 0)
            return id;
    return -1;
}

static int reference_word(const wordpiece *w, const int32_t *c, int n, int32_t *ids) {
    int count = 0;
    for (int start = 0, end; start < n && n <= 200; start = end) {
        int id = -1;
        for (end = n; end > start; end--)
            if ((id = reference_look_up(w, c + start, end - start, start > 0)) >= 0)
                break;
        if (id < 0)
            break;
        ids[count++] = id;
        if (end == n)
            return count;
    }
    ids[0] = w->unk;
    return 1;
}

static int reference_lower(const int32_t *c, int n, int i) {
    if (c[i] != 0x3A3)
        return utf8proc_tolower(c[i]);
    int j = i - 1, k = i + 1;
    while (j >= 0 && unicode_is_case_ignorable(c[j]))
        j--;
    while (k < n && unicode_is_case_ignorable(c[k]))
        k++;
    int final = j >= 0 && unicode_is_cased(c[j]) && !(k < n && unicode_is_cased(c[k]));
    return final ? 0x3C2 : 0x3C3;
}

/* one token between white space: lower-case, NFD by the library, no Mn, split at punctuation */
static int reference_token(const wordpiece *w, const int32_t *c, int n, int32_t *ids) {
    utf8proc_uint8_t text[4 * CAP + 1], *nfd;
    int32_t word[4 * CAP];
    int count = 0, len = 0;
    utf8proc_ssize_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += utf8proc_encode_char(reference_lower(c, n, i), text + bytes);
    utf8proc_ssize_t size = utf8proc_map(text, bytes, &nfd, UTF8PROC_DECOMPOSE);
    ck_assert_int_ge(size, 0);
    for (utf8proc_ssize_t at = 0; at < size;) {
        int32_t p;
        at += utf8proc_iterate(nfd + at, size - at, &p);
        if (utf8proc_category(p) == UTF8PROC_CATEGORY_MN)
            continue;
        int alone = unicode_is_punctuation(p);
        if (alone && len)
            count += reference_word(w, word, len, ids + count), len = 0;
        word[len++] = p;
        if (alone)
            count += reference_word(w, word, len, ids + count), len = 0;
    }
    if (len)
        count += reference_word(w, word, len, ids + count);
    free(nfd);
    return count;
}

static int reference_encode(const wordpiece *w, const int32_t *c, int n, int32_t *ids) {
    int32_t token[CAP];
    int count = 0, len = 0;
    for (int i = 0; i < n; i++) {
        if (unicode_is_removed(c[i]))
            continue;
        int space = unicode_is_space(c[i]), cjk = unicode_is_cjk(c[i]);
        if ((space || cjk) && len)
            count += reference_token(w, token, len, ids + count), len = 0;
        if (!space)
            token[len++] = c[i];
        if (cjk)
            count += reference_token(w, token, len, ids + count), len = 0;
    }
    return len ? count + reference_token(w, token, len, ids + count) : count;
}

/* characters that meet every branch, frequent ones repeated */
static const int32_t POOL[] = {
    'a',    'b',    'c',    'd',    'e',    'q',     'A',    'B',    ' ',    ' ',
    ' ',    ',',    '.',    '\'',   '#',    '1',     0,      1,      '\t',   0x7f,
    0xa0,   0xad,   0xe9,   0xc9,   0x130,  0x301,   0x323,  0x345,  0x387,  0x3a3,
    0x3a3,  0x3c3,  0x3c2,  0x4e2d, 0x56fd, 0x302e,  0x302f, 0x302e, 0xfffd, 0x2028,
    0x2019, 0xac00, 0x226e, 0xf900, 0x1d2a, 0x16ff0, 0x94d,  0x1b44, 0x2003, 0xe000};

START_TEST(slow_reference) {
    wordpiece *w = small();
    rng_stream rng = rng_open(1, RNG_TEST, 0, 0);
    for (int turn = 0; turn < 3000; turn++) {
        int32_t c[300], want[4 * CAP], got[4 * CAP];
        char text[1200];
        size_t bytes = 0;
        int n = 1 + (int)rng_below(&rng, turn % 50 ? 30 : 300), count;
        /* a few letters, so that known words and long ones occur; or everything */
        uint32_t most = turn % 3 == 0 ? 6 : sizeof POOL / sizeof *POOL;
        for (int i = 0; i < n; i++) {
            c[i] = POOL[rng_below(&rng, most)];
            bytes += (size_t)unicode_encode(c[i], text + bytes);
        }
        int expected = reference_encode(w, c, n, want);
        wordpiece_encode(w, text, bytes, got, 4 * CAP, &count);
        ck_assert_int_eq(count, expected);
        ck_assert_mem_eq(got, want, (size_t)count * sizeof *got);
    }
    wordpiece_close(&w);
}
END_TEST

/* FNV-1a over the words of "a" c "B Σ" c "Σ " c for every code point c, each word followed by a
 * newline. The number comes from google-research/bert's BasicTokenizer in Python 3.11 (Unicode 14).
 */
START_TEST(every_code_point) {
    uint64_t h = 0xcbf29ce484222325u;
    for (int32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char point[4], text[32];
        int len = unicode_encode(c, point);
        size_t n = 0;
        const char *const parts[] = {"a", "B \u03a3", "\u03a3 "};
        for (int k = 0; k < 3; k++) {
            memcpy(text + n, parts[k], strlen(parts[k]));
            n += strlen(parts[k]);
            memcpy(text + n, point, (size_t)len);
            n += (size_t)len;
        }
        basic_tokenizer w;
        basic_tokenizer_open(&w, text, n);
        while (basic_tokenizer_next(&w)) {
            for (size_t i = 0; i < w.len; i++)
                h = (h ^ (unsigned char)w.word[i]) * 0x100000001b3u;
            h = (h ^ '\n') * 0x100000001b3u;
        }
    }
    ck_assert_uint_eq(h, 0x729b6eeb40999105u);
}
END_TEST

START_TEST(decoding) {
    int32_t c;
    const char text[] = "a\u00e9\u4e2d\U0001f600\xff";
    const struct {
        int32_t c;
        int len;
    } want[] = {{'a', 1}, {0xe9, 2}, {0x4e2d, 3}, {0x1f600, 4}, {0xfffd, 1}};
    size_t at = 0;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(unicode_decode(text + at, sizeof text - 1 - at, &c), want[i].len);
        ck_assert_int_eq(c, want[i].c);
        at += (size_t)want[i].len;
    }
    for (int i = 4; i >= 0; i--) {
        ck_assert_int_eq(unicode_decode_back(text, at, &c), want[i].len);
        ck_assert_int_eq(c, want[i].c);
        at -= (size_t)want[i].len;
    }
    ck_assert_int_eq(unicode_decode_back("\x80\x80\x80\x80\x80", 5, &c), 1);
    ck_assert_int_eq(c, 0xfffd);
}
END_TEST

/* ids recorded from another implementation, where they are at hand */
START_TEST(recorded) {
    char vocab[4200], vectors[4200];
    snprintf(vocab, sizeof vocab, "%s/data/vocab/bert-base-uncased.txt", shared);
    snprintf(vectors, sizeof vectors, "%s/oracle/wordpiece-bert-base-uncased.tsv", shared);
    if (access(vocab, R_OK) != 0 || access(vectors, R_OK) != 0) {
        printf("skipped: recorded ids are not there (ESPALIER_SHARED)\n");
        return;
    }
    wordpiece *w;
    char *bytes;
    size_t n;
    int line_count = 0;
    ck_assert_int_eq(wordpiece_open(vocab, &w), OK);
    ck_assert_int_eq(file_read(vectors, &bytes, &n), OK);
    for (char *line = bytes, *end; line < bytes + n; line = end + 1, line_count++) {
        end = memchr(line, '\n', (size_t)(bytes + n - line));
        *end = '\0';
        char *tab = memrchr(line, '\t', (size_t)(end - line)), *p = tab + 1;
        static int32_t ids[1 << 16];
        int count;
        wordpiece_encode(w, line, (size_t)(tab - line), ids, 1 << 16, &count);
        for (int i = 0; i < count; i++)
            ck_assert_int_eq(strtol(p, &p, 10), ids[i]);
        ck_assert_msg(*p == '\0', "line %d: more ids are expected", line_count + 1);
    }
    ck_assert_int_eq(line_count, 7284);
    free(bytes);
    wordpiece_close(&w);
}
END_TEST

#define SPECIALS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"

static const struct {
    const char *text, *message;
    size_t n; /* 0: up to the NUL */
} REFUSED[] = {
    {"[PAD]\n[CLS]\n[SEP]\na\n", "v.txt: the vocabulary has no [UNK]", 0},
    {"[PAD]\n[UNK]\n[SEP]\n", "v.txt: the vocabulary has no [CLS]", 0},
    {"[PAD]\n[UNK]\n[CLS]\n", "v.txt: the vocabulary has no [SEP]", 0},
    {"[UNK]\n[CLS]\n[SEP]\n", "v.txt: the vocabulary has no [PAD]", 0},
    {SPECIALS "a\n##a\nb\n##a\n", "v.txt:8: piece \"##a\" stands twice", 0},
    {SPECIALS "\na\n", "v.txt:5: the piece is empty", 0},
    {SPECIALS "a\xff\n", "v.txt:5: invalid UTF-8", 0},
    {SPECIALS "a\0b\n", "v.txt:5: a NUL byte", sizeof SPECIALS + 3},
    {"", "v.txt:1: the file is empty", 0},
};

START_TEST(refused) {
    wordpiece *w = NULL;
    size_t n = REFUSED[_i].n ? REFUSED[_i].n : strlen(REFUSED[_i].text);
    write_file("v.txt", REFUSED[_i].text, n);
    ck_assert_int_eq(wordpiece_open("v.txt", &w), ERR_DATA);
    ck_assert_msg(strstr(err_message(), REFUSED[_i].message) == err_message(), "got: %s",
                  err_message());
    ck_assert_ptr_null(w);
}
END_TEST

START_TEST(accepted) {
    wordpiece *w = NULL;
    ck_assert_int_eq(wordpiece_open("missing.txt", &w), ERR_IO);
    /* byte-order mark, CR, no last newline, no [MASK] */
    const char text[] = "\xef\xbb\xbf[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na";
    write_file("v.txt", text, strlen(text));
    ck_assert_msg(wordpiece_open("v.txt", &w) == OK, "%s", err_message());
    ck_assert_int_eq(w->V, 5);
    ck_assert_int_eq(w->pad, 0);
    ck_assert_int_eq(w->mask, -1);
    expect("a", "a");
    wordpiece_close(&w);
    /* thousands of pieces that differ in one letter: the table's chains */
    FILE *f = fopen("v.txt", "w");
    fputs(SPECIALS, f);
    for (int i = 0; i < 20000; i++)
        fprintf(f, "%sx%05d\n", i % 2 ? "##" : "", i);
    fclose(f);
    ck_assert_int_eq(wordpiece_open("v.txt", &w), OK);
    expect("x00000 x19998x19999 x19999", "x00000 x19998 ##x19999 [UNK]");
    wordpiece_close(&w);
}
END_TEST

int main(void) {
    Suite *s = suite_create("wordpiece");
    TCase *t = tcase_create("wordpiece");
    const char *given = getenv("ESPALIER_SHARED");
    if (!realpath(given ? given : "../shared", shared))
        shared[0] = '\0';
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    tcase_add_test(t, by_hand);
    tcase_add_test(t, final_sigma);
    tcase_add_test(t, marks_in_order);
    tcase_add_test(t, long_words);
    tcase_add_test(t, limits);
    tcase_add_test(t, slow_reference);
    tcase_add_test(t, every_code_point);
    tcase_add_test(t, decoding);
    tcase_add_test(t, recorded);
    tcase_add_loop_test(t, refused, 0, sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(t, accepted);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink("vocab.txt");
    unlink("v.txt");
    if (chdir("/") != 0 || rmdir(folder) != 0)
        failed++;
    return failed != 0;
}
