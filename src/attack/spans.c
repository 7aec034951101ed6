#include "attack/spans.h"

#include <string.h>

/* how many ids the text alone has */
static err count(const tokenizer *t, const char *text, size_t n, int *ids) {
    int32_t none;
    return tokenizer_encode(t, text, n, &none, 0, ids);
}

/* A tokenizer splits before and behind a word, so the ids of what stands before it are the first
 * ones of the whole. */
err spans_find(const tokenizer *t, const wording *w, int max_length, span_of_ids *span) {
    strbuf text = {0};
    err e = OK;
    const int end = max_length - 1; /* where what ends the sequence stands, if it is cut */
    for (int i = 0; i < w->n; i++) {
        int before, behind;
        TRY(strbuf_add(&text, w->gap[i], strlen(w->gap[i])));
        size_t n = text.len;
        while (n > 0 && text.text[n - 1] == ' ')
            n--;
        TRY(count(t, n ? text.text : "", n, &before));
        TRY(strbuf_add(&text, w->word[i], strlen(w->word[i])));
        TRY(count(t, text.text, text.len, &behind));
        span[i] = (span_of_ids){before + 1 < end ? before + 1 : end, //
                                behind + 1 < end ? behind + 1 : end};
    }
done:
    strbuf_free(&text);
    return e;
}
