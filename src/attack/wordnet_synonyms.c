#include "attack/wordnet_synonyms.h"

#include "io/atomic_file.h"
#include "io/dictionary.h"
#include "io/lines.h"
#include "text/tagger.h"
#include "text/words.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 4, FORM_BYTES = 160, FORMS = 48 };

/* what replaces an ending to make a base form (NLTK's morphy), by part of speech */
typedef struct rule {
    const char *ending, *instead;
} rule;

static const struct {
    const char *name;
    uint16_t tag;
    rule rules[10];
} PART[PARTS] = {
    {"noun",
     TAG_NOUN,
     {{"s", ""},
      {"ses", "s"},
      {"ves", "f"},
      {"xes", "x"},
      {"zes", "z"},
      {"ches", "ch"},
      {"shes", "sh"},
      {"men", "man"},
      {"ies", "y"}}},
    {"verb",
     TAG_VERB,
     {{"s", ""},
      {"ies", "y"},
      {"es", "e"},
      {"es", ""},
      {"ed", "e"},
      {"ed", ""},
      {"ing", "e"},
      {"ing", ""}}},
    {"adj", TAG_ADJ, {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}}},
    {"adv", TAG_ADV, {{0}}},
};

/* one part of speech: its three files, whole in memory */
typedef struct part {
    lines index, exceptions;
    char *data; /* a synset begins at the byte that the index gives */
    size_t size;
    dictionary *lemma;     /* number: of its line in the index, behind the licence */
    dictionary *irregular; /* forms of the exceptions */
    int32_t *irregular_at; /* the line of each: the last one, as in NLTK */
    int licence;           /* lines before the first lemma */
    char path[4096];       /* of data, for messages */
} part;

struct wordnet_synonyms {
    part part[PARTS];
};

static err read_index(part *p, const char *path) {
    CALL(lines_read(path, &p->index));
    CALL(dictionary_create(&p->lemma));
    int32_t number;
    int fresh;
    while (p->licence < p->index.n && p->index.line[p->licence][0] == ' ')
        p->licence++;
    for (int i = p->licence; i < p->index.n; i++) {
        const char *line = p->index.line[i];
        size_t n = strcspn(line, " ");
        CHECK(n > 0 && line[n], ERR_DATA, "%s:%d: expected a lemma and its senses", path, i + 1);
        CALL(dictionary_add(p->lemma, line, n, &number, &fresh));
        CHECK(fresh, ERR_DATA, "%s:%d: the lemma \"%.*s\" stands twice", path, i + 1, (int)n, line);
    }
    return OK;
}

static err read_exceptions(part *p, const char *path) {
    CALL(lines_read(path, &p->exceptions));
    CALL(dictionary_create(&p->irregular));
    CALL(mem_alloc((size_t)p->exceptions.n, sizeof *p->irregular_at, &p->irregular_at));
    int32_t number;
    int fresh;
    for (int i = 0; i < p->exceptions.n; i++) {
        const char *line = p->exceptions.line[i];
        CALL(dictionary_add(p->irregular, line, strcspn(line, " "), &number, &fresh));
        p->irregular_at[number] = i;
    }
    return OK;
}

static err open_part(part *p, const char *folder, const char *name) {
    char path[4096], file[64];
    snprintf(file, sizeof file, "index.%s", name);
    CALL(path_join(path, folder, file));
    CHECK(path_exists(path), ERR_USAGE,
          "WordNet is asked for synonyms, but %s does not exist: install wordnet-base, or name the "
          "folder",
          path);
    CALL(read_index(p, path));
    snprintf(file, sizeof file, "%s.exc", name);
    CALL(path_join(path, folder, file));
    CALL(read_exceptions(p, path));
    snprintf(file, sizeof file, "data.%s", name);
    CALL(path_join(p->path, folder, file));
    return file_read(p->path, &p->data, &p->size);
}

err wordnet_synonyms_open(const char *folder, wordnet_synonyms **out) {
    wordnet_synonyms *w = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *w, &w));
    for (int i = 0; i < PARTS; i++)
        TRY(open_part(&w->part[i], folder[0] ? folder : "/usr/share/wordnet", PART[i].name));
    *out = w;
    w = NULL;
done:
    wordnet_synonyms_close(&w);
    return e;
}

void wordnet_synonyms_close(wordnet_synonyms **w) {
    if (!*w)
        return;
    for (int i = 0; i < PARTS; i++) {
        part *p = &(*w)->part[i];
        lines_free(&p->index);
        lines_free(&p->exceptions);
        dictionary_destroy(&p->lemma);
        dictionary_destroy(&p->irregular);
        free(p->irregular_at);
        free(p->data);
    }
    free(*w);
    *w = NULL;
}

/* forms of one word, each NUL-terminated */
typedef struct forms {
    int n;
    char form[FORMS][FORM_BYTES];
} forms;

static void forms_add(forms *f, const char *form, size_t n) {
    if (f->n == FORMS || n == 0 || n >= FORM_BYTES)
        return;
    memcpy(f->form[f->n], form, n);
    f->form[f->n++][n] = '\0';
}

/* those of from that WordNet knows, each once, behind what is in out */
static void forms_keep(const part *p, const forms *from, forms *out) {
    for (int i = 0; i < from->n; i++) {
        const char *form = from->form[i];
        int known = dictionary_find(p->lemma, form, strlen(form)) >= 0;
        for (int k = 0; k < out->n && known; k++)
            known = strcmp(out->form[k], form) != 0;
        if (known)
            forms_add(out, form, strlen(form));
    }
}

/* every form of from with every ending replaced that it has */
static void detach(const rule *rules, const forms *from, forms *out) {
    char form[FORM_BYTES];
    out->n = 0;
    for (int i = 0; i < from->n; i++)
        for (const rule *r = rules; r->ending; r++) {
            size_t n = strlen(from->form[i]), cut = strlen(r->ending), put = strlen(r->instead);
            if (n < cut || strcmp(from->form[i] + n - cut, r->ending) != 0 ||
                n - cut + put >= sizeof form)
                continue;
            memcpy(form, from->form[i], n - cut);
            memcpy(form + n - cut, r->instead, put);
            forms_add(out, form, n - cut + put);
        }
}

/* base forms of a lower-case word: the exceptions' if it is among them; else itself and what one
 * ending less leaves; else more endings less, until something is known */
static void morphy(const part *p, const rule *rules, const char *word, forms *out) {
    forms now = {0}, next;
    out->n = 0;
    int32_t k = dictionary_find(p->irregular, word, strlen(word));
    forms_add(&now, word, strlen(word));
    if (k >= 0) {
        for (const char *s = p->exceptions.line[p->irregular_at[k]] + strlen(word); *s;
             s += strcspn(s, " ")) {
            s += strspn(s, " ");
            forms_add(&now, s, strcspn(s, " "));
        }
        forms_keep(p, &now, out);
        return;
    }
    forms_keep(p, &now, out);
    while (now.n > 0) { /* every rule but one shortens, so this ends */
        detach(rules, &now, &next);
        forms_keep(p, &next, out);
        if (out->n > 0)
            return;
        now = next;
    }
}

/* one word under the attack's rule (text/words.h), and only one */
static int is_one_word(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)s[i] | 32;
        int plain = (c >= 'a' && c <= 'z') || (s[i] >= '0' && s[i] <= '9');
        int inside = s[i] && strchr("'-", s[i]) && i > 0 && i + 1 < n;
        if (!plain && !inside)
            return 0;
    }
    return n > 0;
}

static int same_letters(const char *a, const char *b, size_t n) {
    return strncasecmp(a, b, n) == 0 && b[n] == '\0';
}

/* candidates so far, in the arena */
typedef struct found {
    const char **word;
    int n, cap;
    const char *avoid; /* the word itself, lower case */
} found;

static err add_candidate(arena *a, found *f, const char *s, size_t n) {
    if (!is_one_word(s, n) || same_letters(s, f->avoid, n))
        return OK;
    for (int i = 0; i < f->n; i++)
        if (strncmp(f->word[i], s, n) == 0 && f->word[i][n] == '\0')
            return OK;
    if (f->n == f->cap) {
        const char **more;
        f->cap = f->cap ? 2 * f->cap : 16;
        CALL(arena_alloc(a, (size_t)f->cap, sizeof *more, &more));
        if (f->n > 0)
            memcpy(more, f->word, (size_t)f->n * sizeof *more);
        f->word = more;
    }
    char *copy;
    CALL(arena_alloc(a, n + 1, 1, &copy));
    memcpy(copy, s, n);
    copy[n] = '\0';
    f->word[f->n++] = copy;
    return OK;
}

/* `offset file type count(hex) lemma id …`: its lemmas; adjectives lose their marker "(p)" */
static err add_synset(const part *p, long at, arena *a, found *f) {
    CHECK(at >= 0 && (size_t)at < p->size && strtol(p->data + at, NULL, 10) == at, ERR_DATA,
          "%s: byte %ld: expected a synset, as its index says; reinstall wordnet-base", p->path,
          at);
    const char *s = p->data + at;
    for (int field = 0; field < 3; field++) {
        s += strcspn(s, " \n");
        s += *s == ' ';
    }
    char *end;
    long words = strtol(s, &end, 16);
    CHECK(words > 0 && words < 4096 && *end == ' ', ERR_DATA,
          "%s: byte %ld: expected the number of lemmas", p->path, at);
    s = end + 1;
    for (long i = 0; i < words; i++) {
        size_t n = strcspn(s, " (\n");
        CHECK(n > 0, ERR_DATA, "%s: byte %ld: expected %ld lemmas, got %ld", p->path, at, words, i);
        CALL(add_candidate(a, f, s, n));
        s += strcspn(s, " \n");
        s += *s == ' ';
        s += strcspn(s, " \n"); /* the lemma's number */
        s += *s == ' ';
    }
    return OK;
}

/* `lemma pos senses pointers [symbols] senses tagged offset …`: every synset of the line */
static err add_lemma(const part *p, const char *form, arena *a, found *f) {
    int line = p->licence + dictionary_find(p->lemma, form, strlen(form));
    const char *text = p->index.line[line], *s = text + strcspn(text, " ");
    char *end;
    s += strcspn(s + 1, " ") + 1;
    long senses = strtol(s, &end, 10), pointers = strtol(end, &end, 10);
    CHECK(senses > 0 && pointers >= 0, ERR_DATA, "%s:%d: expected numbers of senses and pointers",
          p->index.path, line + 1);
    for (s = end; pointers >= 0; pointers--) { /* the symbols, and the senses again */
        s += strspn(s, " ");
        s += strcspn(s, " ");
    }
    (void)strtol(s, &end, 10);
    for (long i = 0; i < senses; i++) {
        s = end;
        long at = strtol(s, &end, 10);
        CHECK(end != s, ERR_DATA, "%s:%d: expected %ld synsets, got %ld", p->index.path, line + 1,
              senses, i);
        CALL(add_synset(p, at, a, f));
    }
    return OK;
}

err wordnet_synonyms_of(const wordnet_synonyms *w, arena *a, const char *word, uint16_t tags,
                        const char ***list, int *n) {
    char lower[FORM_BYTES];
    forms base;
    found f = {.avoid = lower};
    *list = NULL;
    *n = 0;
    if (strlen(word) >= sizeof lower)
        return OK;
    word_lower(lower, sizeof lower, word);
    for (int i = 0; i < PARTS; i++) {
        if (!(tags & PART[i].tag))
            continue;
        morphy(&w->part[i], PART[i].rules, lower, &base);
        for (int k = 0; k < base.n; k++)
            CALL(add_lemma(&w->part[i], base.form[k], a, &f));
    }
    *list = f.word;
    *n = f.n;
    return OK;
}

const char *wordnet_synonyms_lemma(const wordnet_synonyms *w, int64_t i) {
    for (int k = 0; k < PARTS; k++) {
        int64_t n = dictionary_count(w->part[k].lemma);
        if (i < n)
            return dictionary_key(w->part[k].lemma, (int32_t)i);
        i -= n;
    }
    return NULL;
}
