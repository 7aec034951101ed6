/* the tags a form can have by WordNet's index files, exception lists and detachment rules (morphy)
 */
#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/lines.h"
#include "text/tagger_source.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *index, *exceptions;
    uint16_t tag;
} FILES[] = {{"index.noun", "noun.exc", TAG_NOUN},
             {"index.verb", "verb.exc", TAG_VERB},
             {"index.adj", "adj.exc", TAG_ADJ},
             {"index.adv", "adv.exc", TAG_ADV}};

/* an ending, what replaces it, and the part of speech whose lemma that must be */
static const struct {
    const char *ending, *instead;
    uint16_t tag;
} RULES[] = {
    {"s", "", TAG_NOUN},      {"ses", "s", TAG_NOUN},   {"xes", "x", TAG_NOUN},
    {"zes", "z", TAG_NOUN},   {"ches", "ch", TAG_NOUN}, {"shes", "sh", TAG_NOUN},
    {"men", "man", TAG_NOUN}, {"ies", "y", TAG_NOUN},   {"s", "", TAG_VERB},
    {"ies", "y", TAG_VERB},   {"es", "e", TAG_VERB},    {"es", "", TAG_VERB},
    {"ed", "e", TAG_VERB},    {"ed", "", TAG_VERB},     {"ing", "e", TAG_VERB},
    {"ing", "", TAG_VERB},    {"er", "", TAG_ADJ},      {"est", "", TAG_ADJ},
    {"er", "e", TAG_ADJ},     {"est", "e", TAG_ADJ},
};

/* closed classes, which WordNet leaves out or lists as rare nouns ("in", the inch); what stands
 * here is all that such a word is */
enum { IS_CLOSED = 1 << 15 };
static const struct {
    const char *words;
    uint16_t tag;
} CLOSED[] = {
    {"the a an this that these those each every either neither some any no all both", TAG_DET},
    {"i you he she it we they me him her us them who whom whose which what myself yourself himself "
     "herself itself ourselves themselves someone anyone everyone nobody something anything "
     "nothing "
     "everything my your his its our their mine yours hers ours theirs",
     TAG_PRON},
    {"of in on at by for with from into onto upon over under about above below between among "
     "through "
     "during before after since until against without within toward towards than as if because "
     "while "
     "although though unless whether",
     TAG_ADP},
    {"and or but nor yet so", TAG_CONJ},
    {"to not n't 's up out off down", TAG_PRT},
    {"is am are was were be been being do does did has have had will would shall should can could "
     "may "
     "might must",
     TAG_VERB},
};

static err read_index(tagger *t, const char *path, uint16_t tag) {
    lines in;
    CALL(lines_read(path, &in));
    err e = OK;
    for (int i = 0; i < in.n; i++) {
        if (in.line[i][0] == ' ') /* the licence */
            continue;
        size_t n = strcspn(in.line[i], " ");
        ENSURE(n > 0, ERR_DATA, "%s:%d: expected a lemma", path, i + 1);
        TRY(tagger_add(t->words, &t->tags, &t->cap, in.line[i], n, tag));
    }
done:
    lines_free(&in);
    return e;
}

static err read_exceptions(tagger *t, const char *path, uint16_t tag) {
    lines in;
    CALL(lines_read(path, &in));
    err e = OK;
    for (int i = 0; i < in.n; i++)
        TRY(tagger_add(t->irregular, &t->irregular_tags, &t->irregular_cap, in.line[i],
                       strcspn(in.line[i], " "), tag));
done:
    lines_free(&in);
    return e;
}

static err add_closed(tagger *t) {
    for (size_t i = 0; i < sizeof CLOSED / sizeof *CLOSED; i++)
        for (const char *p = CLOSED[i].words; *p;) {
            size_t n = strcspn(p, " ");
            int32_t k = dictionary_find(t->words, p, n);
            if (k >= 0 && !(t->tags[k] & IS_CLOSED))
                t->tags[k] = 0;
            CALL(tagger_add(t->words, &t->tags, &t->cap, p, n, CLOSED[i].tag | IS_CLOSED));
            p += n;
            p += *p == ' ';
        }
    return OK;
}

err tagger_open_wordnet(tagger *t, const char *folder) {
    if (!folder[0])
        folder = "/usr/share/wordnet";
    char path[4096];
    CALL(dictionary_create(&t->words));
    CALL(dictionary_create(&t->irregular));
    CALL(path_join(path, folder, FILES[0].index));
    CHECK(path_exists(path), ERR_USAGE,
          "attack.tagger is wordnet, but %s does not exist: install wordnet-base, or name the "
          "folder in "
          "attack.tagger_path",
          path);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        CALL(path_join(path, folder, FILES[i].index));
        CALL(read_index(t, path, FILES[i].tag));
        CALL(path_join(path, folder, FILES[i].exceptions));
        CALL(read_exceptions(t, path, FILES[i].tag));
    }
    return add_closed(t);
}

static uint16_t form_tags(const tagger *t, const char *form, size_t n) {
    int32_t k = dictionary_find(t->words, form, n);
    return k >= 0 ? t->tags[k] : 0;
}

uint16_t tagger_wordnet_tags(const tagger *t, const char *word) {
    char lemma[300];
    size_t n = strlen(word);
    uint16_t tags = form_tags(t, word, n);
    if (tags & IS_CLOSED) /* and no inflection of anything: "was" is not the plural of the Wa */
        return tags & (uint16_t)~IS_CLOSED;
    int32_t k = dictionary_find(t->irregular, word, n);
    if (k >= 0)
        tags |= t->irregular_tags[k];
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        size_t cut = strlen(RULES[i].ending), put = strlen(RULES[i].instead);
        if (n <= cut + 1 || n - cut + put >= sizeof lemma ||
            strcmp(word + n - cut, RULES[i].ending) != 0)
            continue;
        memcpy(lemma, word, n - cut);
        memcpy(lemma + n - cut, RULES[i].instead, put);
        tags |= (uint16_t)(form_tags(t, lemma, n - cut + put) & RULES[i].tag);
    }
    if (tags)
        return tags;
    /* what WordNet does not know: marks without letters, numbers by their first digit, and
     * everything else counts as a name */
    size_t mark = 0;
    while (ispunct((unsigned char)word[mark]))
        mark++;
    if (n > 0 && mark == n)
        return TAG_PUNCT;
    return word[0] >= '0' && word[0] <= '9' ? TAG_NUM : TAG_NOUN;
}
