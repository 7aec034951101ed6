#include "attack_shown.h"

#include "text/words.h"

#include <math.h>
#include <string.h>

/* what stands around a word that went, and around one that came */
static const struct {
    const char *open, *close;
} plain[] = {{"[[", "]]"}, {"[[", "]]"}},
  coloured[] = {{"\033[31m", "\033[0m"}, {"\033[32m", "\033[0m"}};

static err mark(arena *a, const char *word, int came, int colour, const char **out) {
    const char *open = (colour ? coloured : plain)[came].open;
    const char *close = (colour ? coloured : plain)[came].close;
    const size_t n = strlen(open), k = strlen(word), m = strlen(close);
    char *text;
    CALL(arena_alloc(a, n + k + m + 1, 1, &text));
    memcpy(text, open, n);
    memcpy(text + n, word, k);
    memcpy(text + n + k, close, m + 1);
    *out = text;
    return OK;
}

/* text with its changed words marked, as they were or as they came; *last (came): what the changes
 * make of the text without marks */
static err marked(arena *a, const char *text, const attack_result *r, int came, int colour,
                  strbuf *out, strbuf *last) {
    wording w;
    CALL(words_split(a, text, &w));
    for (int i = 0; i < r->changed; i++) {
        CHECK(r->change[i].word >= 0 && r->change[i].word < w.n, ERR_DATA,
              "study.h5: a changed word is not in its text");
        w.word[r->change[i].word] = r->change[i].to;
    }
    CALL(words_join(&w, -1, last));
    for (int i = 0; i < r->changed; i++)
        CALL(mark(a, came ? r->change[i].to : r->change[i].from, came, colour,
                  &w.word[r->change[i].word]));
    return words_join(&w, -1, out);
}

static err show_example(const store_attack *a, const attack_result *r, const char *text,
                        const char *final, const shown *how, strbuf *out) {
    arena *scratch = NULL;
    strbuf before = {0}, after = {0}, last = {0};
    err e;
    TRY(arena_create(1 << 14, &scratch));
    TRY(strbuf_printf(out, "row %lld  label %lld  %s  %lld queries  %lld of %lld words",
                      (long long)a->row, (long long)a->label, a->outcome, (long long)a->queries,
                      (long long)a->changed, (long long)a->words));
    if (!isnan(a->similarity))
        TRY(strbuf_printf(out, "  similarity %.3f", a->similarity));
    TRY(strbuf_printf(out, "  P(true) %.4f to %.4f\n", a->prob, a->final_prob));
    if (r->changed == 0) {
        const int errored = strcmp(a->outcome, "errored") == 0; /* its last text is the message */
        e = strbuf_printf(out, "    %s\n%s%s%s\n", text, errored ? "  ! " : "",
                          errored ? final : "", errored ? "\n" : "");
        goto done;
    }
    TRY(marked(scratch, text, r, 0, how->colour, &before, &last));
    strbuf_clear(&last);
    TRY(marked(scratch, text, r, 1, how->colour, &after, &last));
    /* words longer than the table's column are cut there: then the text without marks */
    const int whole = strcmp(last.text, final) == 0;
    e = strbuf_printf(out, "  - %s\n  + %s\n\n", before.text, whole ? after.text : final);
done:
    arena_destroy(&scratch);
    strbuf_free(&before);
    strbuf_free(&after);
    strbuf_free(&last);
    return e;
}

static err escaped(strbuf *out, const char *text) {
    for (; *text; text++) {
        const char *as = *text == '\t'   ? "\\t"
                         : *text == '\n' ? "\\n"
                         : *text == '\r' ? "\\r"
                         : *text == '\\' ? "\\\\"
                                         : NULL;
        CALL(as ? strbuf_add(out, as, 2) : strbuf_add(out, text, 1));
    }
    return OK;
}

err shown_head(strbuf *out) {
    return strbuf_printf(out, "model\trecipe\trow\tlabel\toutcome\tqueries\twords\tchanged\t"
                              "similarity\tprob\tfinal_prob\toriginal\tfinal\n");
}

static err tsv_line(const store_attack *a, const char *text, const char *final, strbuf *out) {
    CALL(strbuf_printf(out, "%s\t%s\t%lld\t%lld\t%s\t%lld\t%lld\t%lld\t", a->model, a->recipe,
                       (long long)a->row, (long long)a->label, a->outcome, (long long)a->queries,
                       (long long)a->words, (long long)a->changed));
    if (!isnan(a->similarity))
        CALL(strbuf_printf(out, "%.17g", a->similarity));
    CALL(strbuf_printf(out, "\t%.17g\t%.17g\t", a->prob, a->final_prob));
    CALL(escaped(out, text));
    CALL(strbuf_add(out, "\t", 1));
    CALL(escaped(out, final));
    return strbuf_add(out, "\n", 1);
}

static err show_row(const stored *s, size_t i, const shown *how, strbuf *out) {
    const store_attack *a = &s->rows.attacks[i];
    attack_result r = {0};
    strbuf text = {0}, final = {0};
    err e;
    TRY(stored_text(s, a->text, &text));
    TRY(stored_text(s, a->final, &final));
    if (how->tsv) {
        e = tsv_line(a, text.text, final.text, out);
        goto done;
    }
    TRY(stored_attack(s, i, &r));
    e = show_example(a, &r, text.text, final.text, how, out);
done:
    attack_result_free(&r);
    strbuf_free(&text);
    strbuf_free(&final);
    return e;
}

err shown_model(const stored *s, const store_model *m, const char *by, const shown *how,
                strbuf *out) {
    size_t first;
    long n = 0;
    CALL(stored_first(s, m, by, &first));
    if (!how->tsv)
        CALL(strbuf_printf(out, "%s, %s\n\n", m->title, by));
    for (size_t i = first; i < first + (size_t)m->n && n != how->most; i++)
        if (strcmp(how->outcome, "all") == 0 ||
            strcmp(how->outcome, s->rows.attacks[i].outcome) == 0) {
            CALL(show_row(s, i, how, out));
            n++;
        }
    return OK;
}
