/* unicode.h: what a code point is, as of Unicode 14.
 *
 * The reference tokenizer's vectors were made with Unicode 14 (Python 3.11); utf8proc may know a
 * later one. Code points that were given a meaning after 14 count as unassigned here, so that ids
 * do not change with the library. c: any value from 0 to 0x10FFFF. Nothing here is collective. */
#ifndef ESPALIER_TEXT_UNICODE_H
#define ESPALIER_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* Code points in a canonical decomposition: at most 4 in Unicode 14. */
enum { UNICODE_PARTS = 8 };

/* General category, a utf8proc_category_t. */
int unicode_category(int32_t c);
/* Canonical combining class, 0 for starters. */
int unicode_combining(int32_t c);
/* Python's str.isspace without control characters: Zs, U+2028, U+2029. */
int unicode_is_space(int32_t c);
/* White_Space, which is what \s means in GPT-2's expression. */
int unicode_is_white(int32_t c);
/* BERT's: category P, and all ASCII that is neither letter, digit, space nor control. */
int unicode_is_punctuation(int32_t c);
/* BERT's: CJK ideographs, which are words by themselves; not kana, not Hangul. */
int unicode_is_cjk(int32_t c);
/* What BERT's cleaning removes: NUL, U+FFFD, Cc except \t \n \r, Cf. */
int unicode_is_removed(int32_t c);
/* Derived properties Cased and Case_Ignorable (Unicode 14, section 3.13); where both hold, only the
 * second is told right, which is all that the rule of the final sigma asks. */
int unicode_is_cased(int32_t c);
int unicode_is_case_ignorable(int32_t c);

/* Canonical decomposition (NFD) of c's lower case without context: parts (UNICODE_PARTS); returns
 * how many. Lower-casing a text differs from this only for a final capital sigma. */
int unicode_lower_parts(int32_t c, int32_t *parts);

/* The code point at s (n > 0 bytes) and its length in bytes; an invalid byte is U+FFFD of length 1.
 */
int unicode_decode(const char *s, size_t n, int32_t *c);
/* The one that ends just before s + n (n > 0). */
int unicode_decode_back(const char *s, size_t n, int32_t *c);
int unicode_encode(int32_t c, char out[4]); /* length in bytes */

#endif
