/* slow_recipes.h: the recipes' slow references: words in arrays, one text a forward pass, gradients
 * by differences of the float64 reference, the masked-language head spelled out, edit distances by
 * the whole table. */
#ifndef ESPALIER_TESTS_SLOW_RECIPES_H
#define ESPALIER_TESTS_SLOW_RECIPES_H

#include "io/hash.h"
#include "model/encoder_reference.h"
#include "slow_attack.h"

enum { WORDS = 12, WORD = 40, CANDIDATES = 64, SEED = 5 };

static encoder *speaker; /* has a masked-language head */

/* lemmas of word i by WordNet: it and three of its neighbours; nouns are verbs too, by others */
static inline const char *lemma(int i, int k) {
    char word[8];
    toy_word(i, word);
    return json_string_value(json_array_get(json_object_get(near, word), (size_t)k));
}

/* --- a text in words --------------------------------------------------------------------------*/

typedef struct apart {
    int n;
    char word[WORDS][WORD], gap[WORDS + 1][WORD];
} apart;

static inline void take_apart(const char *text, apart *a) {
    int start, length, last = 0;
    a->n = count_words(text);
    ck_assert_int_le(a->n, WORDS);
    for (int i = 0; i < a->n; i++) {
        ck_assert(place(text, i, &start, &length) && length < WORD && start - last < WORD);
        sprintf(a->gap[i], "%.*s", start - last, text + last);
        sprintf(a->word[i], "%.*s", length, text + start);
        last = start + length;
    }
    ck_assert_uint_lt(strlen(text + last), WORD);
    strcpy(a->gap[a->n], text + last);
}

static inline void together(const apart *a, int i, const char *with, char *out) {
    *out = '\0';
    for (int k = 0; k <= a->n; k++) {
        strcat(out, a->gap[k]);
        if (k < a->n)
            strcat(out, k == i ? with : a->word[k]);
    }
}

static inline int stops(const char *word) {
    return strcmp(word, "baba") == 0 || strcmp(word, "fafe") == 0;
}

/* --- candidates --------------------------------------------------------------------------------*/

typedef struct words {
    int n;
    char word[CANDIDATES][WORD];
} words;

static inline void add(words *l, const char *word, const char *original) {
    if (strcmp(word, original) != 0)
        strcpy(l->word[l->n++], word);
}

static inline void add_new(words *l, const char *word, const char *original) {
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->word[i], word) == 0)
            return;
    add(l, word, original);
}

static inline void small(const char *word, char *out) {
    for (*out = '\0'; *word; word++)
        sprintf(out + strlen(out), "%c", tolower((unsigned char)*word));
}

/* max neighbours; by part of speech: 0 any, 1 the same, 2 noun for verb */
static inline void near_words(const char *word, int max, int tagged, words *l) {
    char lower[WORD], cased[TEXT];
    size_t k;
    int n = 0;
    json_t *v;
    small(word, lower);
    const json_t *list = json_object_get(near, lower);
    json_array_foreach(list, k, v) {
        int a = class_of(word), b = class_of(json_string_value(v));
        if (strcmp(json_string_value(v), lower) == 0) /* no word is its own neighbour */
            continue;
        if (n++ >= max || (tagged && a != b && !(tagged == 2 && a < 2 && b < 2)))
            continue;
        in_case(word, json_string_value(v), cased);
        add(l, cased, word);
    }
}

static inline void synonyms(const char *word, words *l) {
    char lower[WORD], toy[8], cased[TEXT];
    small(word, lower);
    for (int i = 0; i < TOY_WORDS; i++) {
        toy_word(i, toy);
        if (strcmp(toy, lower) != 0)
            continue;
        for (int k = 0; k < 3; k++)
            if (strcmp(lemma(i, k), lower) != 0) {
                in_case(word, lemma(i, k), cased);
                add_new(l, cased, word);
            }
        return;
    }
}

enum { INSERT, DELETE, SWAP, REPLACE };

/* what is drawn for one kind of edit among characters first .. last - 1 */
static inline void draw(const char *word, int kind, int first, int last, int *at, char *letter) {
    uint64_t key = hash_u64(word, strlen(word));
    rng_stream r = rng_open(SEED, RNG_EDIT, (uint32_t)key, (uint32_t)(key >> 32) ^ (uint32_t)kind);
    *at = first + (int)rng_below(&r, (uint32_t)(last - first));
    *letter = (char)('a' + (int)rng_below(&r, 26));
}

static inline void edited(const char *word, int kind, int space, int first, int last, words *l) {
    int at;
    char letter, out[WORD];
    if (first >= last)
        return;
    draw(word, kind, first, last, &at, &letter);
    if (kind == INSERT)
        sprintf(out, "%.*s%c%s", at, word, space ? ' ' : letter, word + at);
    if (kind == DELETE)
        sprintf(out, "%.*s%s", at, word, word + at + 1);
    if (kind == SWAP)
        sprintf(out, "%.*s%c%c%s", at, word, word[at + 1], word[at], word + at + 2);
    if (kind == REPLACE)
        sprintf(out, "%.*s%c%s", at, word, letter, word + at + 1);
    add_new(l, out, word);
}

static inline void bugs(const char *word, words *l) {
    static const char *const look[] = {"а", "Ь", "с", "ԁ", "е", "ƒ", "ɡ", "һ", "і",
                                       "ј", "κ", "ӏ", "ⅿ", "ո", "о", "р", "ԛ", "г",
                                       "ѕ", "τ", "υ", "ν", "ԝ", "х", "у", "ᴢ"};
    int n = (int)strlen(word);
    char out[WORD];
    words nearest = {0};
    edited(word, INSERT, 1, 1, n - 1, l);
    edited(word, DELETE, 0, 1, n - 1, l);
    edited(word, SWAP, 0, 1, n - 2, l);
    for (int i = 0; i < n; i++)
        if (islower((unsigned char)word[i])) {
            sprintf(out, "%.*s%s%s", i, word, look[word[i] - 'a'], word + i + 1);
            add_new(l, out, word);
        }
    near_words(word, 5, 0, &nearest);
    for (int k = 0; k < nearest.n; k++)
        add_new(l, nearest.word[k], word);
}

static inline void random_edits(const char *word, words *l) {
    int n = (int)strlen(word);
    if (n <= 1)
        return;
    edited(word, SWAP, 0, 0, n - 1, l);
    edited(word, REPLACE, 0, 0, n, l);
    edited(word, DELETE, 0, 0, n, l);
    edited(word, INSERT, 0, 0, n, l);
}

/* logits (V) of the masked-language head for hidden state h (H), in float64 */
static inline void head(const double *h, double *logits) {
    const encoder_params *p = &speaker->p;
    enum { H = WIDTH };
    double u[H], mean = 0, var = 0;
    for (int c = 0; c < H; c++) {
        double x = (double)p->mlm_b[c];
        for (int k = 0; k < H; k++)
            x += (double)p->mlm_w[c * H + k] * h[k];
        u[c] = 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
        mean += u[c] / H;
    }
    for (int c = 0; c < H; c++)
        var += (u[c] - mean) * (u[c] - mean) / H;
    for (int c = 0; c < H; c++)
        u[c] = (u[c] - mean) / sqrt(var + (double)speaker->c.norm_eps) * (double)p->mlm_norm_w[c] +
               (double)p->mlm_norm_b[c];
    for (int v = 0; v < w->V; v++) {
        logits[v] = (double)p->mlm_bias[v];
        for (int c = 0; c < H; c++)
            logits[v] += (double)p->word_emb[v * H + c] * u[c];
    }
}

static inline int ids_of(const char *text, int32_t *ids) {
    int n, cut;
    ck_ok(tokenizer_sequence(w, text, strlen(text), ids, max_length, &n, &cut));
    return n;
}

/* a double copy of a model's parameters, by the caller freed */
static inline double *doubled(const encoder *m) {
    double *block = calloc(m->n, sizeof *block);
    ck_assert_ptr_nonnull(block);
    for (size_t i = 0; i < m->n; i++)
        block[i] = (double)m->block[i];
    return block;
}

typedef struct scored {
    double logp;
    int32_t piece[2];
} scored;

static inline int higher(const void *a, const void *b) {
    const scored *x = a, *y = b;
    return x->logp > y->logp ? -1 : x->logp < y->logp;
}

/* the k best pieces at position t */
static inline void best_pieces(const double *h, int t, int k, scored *out) {
    double logits[256], sum = 0;
    scored all[256];
    ck_assert_int_le(w->V, 256);
    head(h + t * WIDTH, logits);
    for (int v = 0; v < w->V; v++)
        sum += exp(logits[v]);
    for (int v = 0; v < w->V; v++)
        all[v] = (scored){logits[v] - log(sum), {v, -1}};
    qsort(all, (size_t)w->V, sizeof *all, higher);
    memcpy(out, all, (size_t)k * sizeof *all);
}

static inline int good_piece(int32_t id, int at) {
    const char *piece = tokenizer_piece(w, id);
    return at ? piece[0] == '#' : isalnum((unsigned char)piece[0]) != 0;
}

/* words of one or two pieces, of which `first` is the position of the first */
static inline void proposals(const char *text, const char *word, int first, int pieces, int k,
                             words *l) {
    int32_t ids[64], offsets[2] = {0};
    double h[64 * WIDTH], *block = doubled(speaker);
    scored a[64], b[64], pair[64 * 64];
    int n = 0;
    offsets[1] = ids_of(text, ids);
    batch x = {.B = 1, .T = offsets[1], .ids = ids, .offsets = offsets};
    ck_ok(encoder_reference_forward(h, speaker, block, &x, NULL));
    free(block);
    best_pieces(h, first, k, a);
    if (pieces == 2)
        best_pieces(h, first + 1, k, b);
    for (int i = 0; i < k; i++)
        for (int j = 0; j < (pieces == 2 ? k : 1); j++)
            if (good_piece(a[i].piece[0], 0) && (pieces == 1 || good_piece(b[j].piece[0], 1)))
                pair[n++] = (scored){a[i].logp + (pieces == 2 ? b[j].logp : 0.0),
                                     {a[i].piece[0], pieces == 2 ? b[j].piece[0] : -1}};
    qsort(pair, (size_t)n, sizeof *pair, higher);
    for (int i = 0; i < n && i < k; i++) {
        char spelled[WORD], cased[TEXT], lower[WORD];
        sprintf(spelled, "%s%s", tokenizer_piece(w, pair[i].piece[0]),
                pieces == 2 ? tokenizer_piece(w, pair[i].piece[1]) + 2 : "");
        small(word, lower);
        in_case(word, spelled, cased);
        if (strcmp(spelled, lower) != 0)
            add(l, cased, word);
    }
}

/* positions of word i's pieces in the sequence */
static inline void pieces_of(const apart *a, int i, int *first, int *n) {
    char text[TEXT] = "";
    int32_t ids[64];
    for (int k = 0; k <= i; k++) {
        strcat(text, a->gap[k]);
        if (k == i)
            *first = ids_of(text, ids) - 1;
        strcat(text, a->word[k]);
    }
    *n = ids_of(text, ids) - 1 - *first;
}

static inline void candidates(const apart *a, const char *text, int i, words *l) {
    const char *word = a->word[i];
    int first, n;
    l->n = 0;
    if (strcmp(o.recipe, "textfooler-original") == 0)
        near_words(word, 50, 2, l);
    if (strcmp(o.recipe, "a2t") == 0)
        near_words(word, 20, 1, l);
    if (strcmp(o.recipe, "pwws") == 0)
        synonyms(word, l);
    if (strcmp(o.recipe, "textbugger") == 0)
        bugs(word, l);
    if (strcmp(o.recipe, "deepwordbug") == 0)
        random_edits(word, l);
    if (strcmp(o.recipe, "bert-attack") == 0) {
        pieces_of(a, i, &first, &n);
        proposals(text, word, first, n, 48, l);
    }
}

/* --- ranking -----------------------------------------------------------------------------------*/

/* float64 loss of the label, one number added to the embeddings */
static inline double loss_at(const double *block, const char *text, int32_t label, int at,
                             float step) {
    int32_t ids[64], offsets[2] = {0};
    float delta[64 * WIDTH] = {0};
    double loss;
    offsets[1] = ids_of(text, ids);
    delta[at] = step;
    batch b = {
        .B = 1, .T = offsets[1], .ids = ids, .offsets = offsets, .labels = &label, .delta = delta};
    ck_ok(encoder_reference_classify_loss(&loss, victim, block, &b, NULL));
    return loss;
}

static inline double gradient_norm(const apart *a, const char *text, int label, int i) {
    double norm = 0, *block = doubled(victim);
    const float step = 0x1p-10f;
    int first, n;
    pieces_of(a, i, &first, &n);
    for (int c = 0; c < WIDTH; c++) {
        double sum = 0;
        for (int t = first; t < first + n; t++)
            sum += (loss_at(block, text, label, t * WIDTH + c, step) -
                    loss_at(block, text, label, t * WIDTH + c, -step)) /
                   (2.0 * (double)step);
        norm += fabs(sum / n);
    }
    free(block);
    return norm;
}

typedef struct plain {
    attack_outcome outcome;
    int order[WORDS], n_order, changed;
    int64_t queries;
    double prob, now, similarity;
    char text[TEXT];
} plain;

static inline double ask(plain *r, const char *text, int label, int *right) {
    r->queries++;
    return prob(text, label, right);
}

/* how important word i is, by the recipe */
static inline double importance(plain *r, const apart *a, const char *text, int label, int i) {
    char other[TEXT];
    int right;
    if (strcmp(o.recipe, "a2t") == 0)
        return gradient_norm(a, text, label, i);
    if (strcmp(o.recipe, "textbugger") == 0)
        changed(text, i, NULL, other);
    else
        together(a, i, "ωω", other); /* not in the vocabulary */
    double drop = r->prob - ask(r, other, label, &right);
    if (strcmp(o.recipe, "textfooler-original") == 0 && !right)
        drop += drop; /* of two classes, one rises as the other falls */
    return drop;
}

/* times the best drop by a candidate */
static inline void weigh(plain *r, const apart *a, const char *text, int label, double *score) {
    double sum = 0;
    char other[TEXT];
    int right;
    for (int k = 0; k < r->n_order; k++)
        sum += exp(score[k]);
    for (int k = 0; k < r->n_order; k++) {
        words l;
        double best = 0;
        candidates(a, text, r->order[k], &l);
        for (int j = 0; j < l.n; j++) {
            together(a, r->order[k], l.word[j], other);
            double drop = r->prob - ask(r, other, label, &right);
            best = j == 0 || drop > best ? drop : best;
        }
        score[k] = exp(score[k]) / sum * best;
    }
}

static inline void rank(plain *r, const apart *a, const char *text, int label) {
    double score[WORDS];
    for (int i = 0; i < a->n; i++)
        if (!stops(a->word[i])) {
            score[r->n_order] = importance(r, a, text, label, i);
            r->order[r->n_order++] = i;
        }
    if (strcmp(o.recipe, "pwws") == 0)
        weigh(r, a, text, label, score);
    for (int i = 1; i < r->n_order; i++) /* insertion sort, stable */
        for (int k = i; k > 0 && score[k] > score[k - 1]; k--) {
            double s = score[k];
            int x = r->order[k];
            score[k] = score[k - 1];
            r->order[k] = r->order[k - 1];
            score[k - 1] = s;
            r->order[k - 1] = x;
        }
}

/* --- constraints and search -------------------------------------------------------------------*/

static inline double cosine(const char *x, const char *y) {
    double a[WIDTH], b[WIDTH], ab = 0, aa = 0, bb = 0;
    embed(x, a);
    embed(y, b);
    for (int c = 0; c < WIDTH; c++) {
        ab += a[c] * b[c];
        aa += a[c] * a[c];
        bb += b[c] * b[c];
    }
    return ab / sqrt(aa * bb);
}

/* characters of ASCII and two-byte texts alike: bytes that begin one */
static inline int distance(const char *x, const char *y) {
    static int t[TEXT][TEXT];
    int n = (int)strlen(x), m = (int)strlen(y);
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            int d = i == 0 ? j : i;
            if (i > 0 && j > 0) {
                d = t[i - 1][j - 1] + (x[i - 1] != y[j - 1]);
                d = t[i - 1][j] + 1 < d ? t[i - 1][j] + 1 : d;
                d = t[i][j - 1] + 1 < d ? t[i][j - 1] + 1 : d;
            }
            t[i][j] = d;
        }
    return t[n][m];
}

/* 1 and the similarity if the candidate's text may stand; current: the text before it */
static inline int allowed(const apart *now, const char *original, const char *current,
                          const char *text, int i, double *s) {
    *s = NAN;
    if (strcmp(o.recipe, "deepwordbug") == 0)
        return distance(original, text) <= (o.max_edits ? o.max_edits : 30);
    if (strcmp(o.recipe, "pwws") == 0)
        return 1;
    if (strcmp(o.recipe, "textfooler-original") == 0) {
        int size = (int)o.similarity_window, whole = now->n < size;
        o.similarity_window = whole ? now->n : size;
        double angle = acos(-1.0) * (1.0 - alike(current, text, i)); /* arccos(cos) */
        o.similarity_window = size;
        *s = 1.0 - angle;
        return *s >= (whole ? 0.1 : 0.7);
    }
    *s = cosine(strcmp(o.recipe, "a2t") == 0 ? current : original, text);
    return *s >= (strcmp(o.recipe, "a2t") == 0           ? 0.9
                  : strcmp(o.recipe, "bert-attack") == 0 ? 0.2
                                                         : 0.8);
}

static inline int most_changes(int n) {
    if (o.max_changed > 0)
        return (int)ceil(n * o.max_changed - 1e-9);
    if (strcmp(o.recipe, "bert-attack") == 0)
        return (4 * n + 9) / 10;
    if (strcmp(o.recipe, "a2t") == 0)
        return n > 40 ? (n + 9) / 10 : 4;
    return n;
}

static inline void replace(plain *r, apart *now, const apart *before, const char *original,
                           int label, int i) {
    int authors = strcmp(o.recipe, "textfooler-original") == 0, right, best_right = 1;
    double best = 2, best_s = NAN, flip_s = -9, flip_p = 0, s;
    const char *chosen = NULL, *flip = NULL;
    char current[TEXT], text[TEXT];
    words l;
    candidates(before, original, i, &l);
    together(now, -1, "", current);
    for (int k = 0; k < l.n; k++) {
        together(now, i, l.word[k], text);
        if (!allowed(now, original, current, text, i, &s))
            continue;
        double p = ask(r, text, label, &right);
        if (p < best) {
            best = p;
            best_s = s;
            best_right = right;
            chosen = l.word[k];
        }
        if (!right && (!flip || s > flip_s)) {
            flip = l.word[k];
            flip_s = s;
            flip_p = p;
        }
    }
    if (!chosen || !(best < (authors ? r->prob : r->now) || (authors && flip)))
        return;
    if (flip && (authors || !best_right) && !isnan(flip_s)) {
        chosen = flip;
        best = flip_p;
        best_s = flip_s;
    }
    strcpy(now->word[i], chosen);
    r->now = best;
    r->changed++;
    r->similarity = isnan(r->similarity) || best_s < r->similarity ? best_s : r->similarity;
    if (authors ? flip != NULL : !best_right)
        r->outcome = ATTACK_SUCCESS;
}

static inline void attack_slowly(const char *text, int label, plain *r) {
    apart before, now;
    int right;
    *r = (plain){.outcome = ATTACK_FAILED, .similarity = NAN};
    r->prob = r->now = ask(r, text, label, &right);
    ck_assert(right);
    take_apart(text, &before);
    now = before;
    rank(r, &before, text, label);
    for (int k = 0; k < r->n_order && r->outcome == ATTACK_FAILED; k++)
        if (r->changed < most_changes(before.n))
            replace(r, &now, &before, text, label, r->order[k]);
    together(&now, -1, "", r->text);
}

#endif
