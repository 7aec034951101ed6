#include "text/unicode.h"

#include <utf8proc.h>

typedef struct range {
    int32_t lo, hi;
} range;

/* r in ascending order */
static int within(const range *r, size_t n, int32_t c) {
    size_t i = 0;
    while (i < n && c > r[i].hi)
        i++;
    return i < n && c >= r[i].lo;
}

#define WITHIN(table, c) within((table), sizeof(table) / sizeof *(table), (c))

/* assigned in Unicode 15 as Mn, Cf, a letter, a number, punctuation or with a combining class: the
 * only ones that would be treated differently from the unassigned code points that they were in 14
 */
static int is_later(int32_t c) {
    static const range later[] = {
        {0x0ECE, 0x0ECE},   {0x10EFD, 0x10EFF}, {0x1123F, 0x11241}, {0x11B00, 0x11B09},
        {0x11F00, 0x11F59}, {0x1342F, 0x1342F}, {0x13439, 0x13455}, {0x1B132, 0x1B132},
        {0x1B155, 0x1B155}, {0x1D2C0, 0x1D2D3}, {0x1DF25, 0x1DF2A}, {0x1E030, 0x1E06D},
        {0x1E08F, 0x1E08F}, {0x1E4D0, 0x1E4F9}, {0x2B739, 0x2B739}, {0x31350, 0x323AF}};
    return c >= later[0].lo && WITHIN(later, c);
}

int unicode_category(int32_t c) {
    return is_later(c) ? UTF8PROC_CATEGORY_CN : utf8proc_get_property(c)->category;
}

int unicode_combining(int32_t c) {
    return is_later(c) ? 0 : utf8proc_get_property(c)->combining_class;
}

int unicode_is_space(int32_t c) {
    return unicode_category(c) == UTF8PROC_CATEGORY_ZS || c == '\t' || c == '\n' || c == '\r' ||
           c == 0x2028 || c == 0x2029;
}

int unicode_is_white(int32_t c) {
    static const range white[] = {
        {'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    return WITHIN(white, c);
}

int unicode_is_punctuation(int32_t c) {
    if (c < 128)
        return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
               (c > 'z' && c < 127);
    int category = unicode_category(c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

int unicode_is_cjk(int32_t c) {
    static const range cjk[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    return c >= cjk[0].lo && WITHIN(cjk, c);
}

int unicode_is_removed(int32_t c) {
    if (c == '\t' || c == '\n' || c == '\r')
        return 0;
    int category = unicode_category(c);
    return c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF;
}

int unicode_is_cased(int32_t c) {
    /* Other_Lowercase and Other_Uppercase that are not case-ignorable */
    static const range other[] = {{0xAA, 0xAA},      {0xBA, 0xBA},       {0x2160, 0x217F},
                                  {0x24B6, 0x24E9},  {0x1F130, 0x1F149}, {0x1F150, 0x1F169},
                                  {0x1F170, 0x1F189}};
    int category = unicode_category(c);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
           category == UTF8PROC_CATEGORY_LT || WITHIN(other, c);
}

int unicode_is_case_ignorable(int32_t c) {
    /* Word_Break = MidLetter, MidNumLet or Single_Quote */
    static const range inner[] = {
        {'\'', '\''},     {'.', '.'},       {':', ':'},       {0xB7, 0xB7},
        {0x387, 0x387},   {0x55F, 0x55F},   {0x5F4, 0x5F4},   {0x2018, 0x2019},
        {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52},
        {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A}};
    switch (unicode_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return 1;
    default:
        return WITHIN(inner, c);
    }
}

int unicode_lower_parts(int32_t c, int32_t *parts) {
    int boundary = 0;
    if (c == 0x130) { /* the one character whose lower case is two: i and a dot above */
        parts[0] = 'i';
        parts[1] = 0x307;
        return 2;
    }
    return (int)utf8proc_decompose_char(utf8proc_tolower(c), parts, UNICODE_PARTS,
                                        UTF8PROC_DECOMPOSE, &boundary);
}

int unicode_decode(const char *s, size_t n, int32_t *c) {
    /* four bytes at most: also keeps a length over 2^63 away from the library */
    utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)(n < 4 ? n : 4), c);
    if (len > 0)
        return (int)len;
    *c = 0xFFFD;
    return 1;
}

int unicode_decode_back(const char *s, size_t n, int32_t *c) {
    for (size_t len = 1; len <= 4 && len <= n; len++) {
        if (((unsigned char)s[n - len] & 0xC0) == 0x80)
            continue;
        if (unicode_decode(s + n - len, len, c) == (int)len)
            return (int)len;
        break;
    }
    *c = 0xFFFD;
    return 1;
}

int unicode_encode(int32_t c, char out[4]) {
    return (int)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}
