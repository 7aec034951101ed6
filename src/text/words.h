/* words.h: a text as words that an attack may replace, and the gaps between them.
 *
 * Words are runs of letters, digits and ' - _ * @, stripped of the latter five at both ends
 * (TextAttack's rule). Gaps are kept byte for byte, so a text whose words were replaced is the
 * original elsewhere. Not collective. */
#ifndef ESPALIER_TEXT_WORDS_H
#define ESPALIER_TEXT_WORDS_H

#include "base/arena.h"
#include "base/strbuf.h"

typedef struct wording {
    int n;
    const char *
        *word; /* (n) NUL-terminated; an entry may be pointed elsewhere to replace the word */
    const char **gap; /* (n + 1) what stands before each word, and behind the last */
} wording;

/* Split text; everything lives in the arena. */
err words_split(arena *a, const char *text, wording *out);
/* Append the text; skip >= 0: without that word and the space before it (the first word: behind).
 */
err words_join(const wording *w, int skip, strbuf *out);
/* First and last word of a window of `size` words around word i of n, 0: all of them (TextAttack:
 * text_window_around_index). */
void words_around(int n, int i, int size, int *first, int *last);
/* Append words first .. last and the gaps between them. */
err words_window(const wording *w, int first, int last, strbuf *out);

/* candidate in the case of original (all lower, all upper of two characters or more, capitalised:
 * one upper-case letter, the first, and lower-case ones; else as it is), in the arena. */
err words_case(arena *a, const char *original, const char *candidate, const char **out);
/* lower-case copy (simple Unicode mapping), in the arena. */
err words_lower(arena *a, const char *word, const char **out);

/* The same into out (size bytes): what does not fit is cut between two characters. */
void word_lower(char *out, size_t size, const char *word);

#endif
