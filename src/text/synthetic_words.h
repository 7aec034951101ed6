/* synthetic_words.h: the words of the synthetic review language. Private to synthetic.c.
 *
 * One line a synonym set: role, polarity, strength, words from the most frequent to the rarest. A
 * word stands in one set only, so its part of speech and its synonyms are known by construction.
 * Sets of one role and polarity are neighbours: the next one lends its first words as near misses.
 */
#ifndef ESPALIER_TEXT_SYNTHETIC_WORDS_H
#define ESPALIER_TEXT_SYNTHETIC_WORDS_H

typedef enum word_role {
    ROLE_QUALITY,  /* adjective of an aspect: "the plot is QUALITY" */
    ROLE_EFFECT,   /* verb on the audience: "it EFFECT the audience" */
    ROLE_VERDICT,  /* noun: "the film is a VERDICT" */
    ROLE_MANNER,   /* adverb: "she sings MANNER" */
    ROLE_WORK,     /* noun: film */
    ROLE_ASPECT,   /* noun: plot, acting, … */
    ROLE_PERSON,   /* noun: director, star, … */
    ROLE_AUDIENCE, /* noun: audience */
    ROLE_DOES,     /* neutral verb of a person: directs, performs */
    ROLE_SHOWS,    /* neutral verb of a film: follows, portrays */
    ROLE_SUBJECT,  /* noun: whom the film follows */
    ROLE_PLACE,    /* noun: where */
    ROLE_KIND,     /* neutral adjective of a subject or place */
    ROLE_INTENSE,  /* adverb: very */
    ROLE_COUNT
} word_role;

typedef struct word_set {
    word_role role;
    int polarity, strength;
    const char *words;
} word_set;

static const char *const ROLE_TAG[ROLE_COUNT] = {
    [ROLE_QUALITY] = "ADJ", [ROLE_EFFECT] = "VERB",   [ROLE_VERDICT] = "NOUN",
    [ROLE_MANNER] = "ADV",  [ROLE_WORK] = "NOUN",     [ROLE_ASPECT] = "NOUN",
    [ROLE_PERSON] = "NOUN", [ROLE_AUDIENCE] = "NOUN", [ROLE_DOES] = "VERB",
    [ROLE_SHOWS] = "VERB",  [ROLE_SUBJECT] = "NOUN",  [ROLE_PLACE] = "NOUN",
    [ROLE_KIND] = "ADJ",    [ROLE_INTENSE] = "ADV"};

/* clang-format off */
static const word_set WORD_SETS[] = {
    {ROLE_QUALITY, 1, 2, "wonderful marvelous splendid glorious magnificent sublime resplendent"},
    {ROLE_QUALITY, 1, 2, "brilliant dazzling stunning spectacular ravishing lustrous radiant"},
    {ROLE_QUALITY, 1, 1, "good fine decent solid worthy commendable creditable"},
    {ROLE_QUALITY, 1, 1, "funny witty hilarious amusing droll comical jocular"},
    {ROLE_QUALITY, 1, 1, "charming delightful lovely endearing winsome enchanting beguiling"},
    {ROLE_QUALITY, 1, 2, "moving touching poignant stirring affecting heartfelt soulful"},
    {ROLE_QUALITY, 1, 1, "clever smart ingenious inventive shrewd astute canny"},
    {ROLE_QUALITY, 1, 1, "fresh original novel innovative imaginative unconventional"},
    {ROLE_QUALITY, 1, 2, "gripping thrilling exciting riveting absorbing enthralling engrossing"},
    {ROLE_QUALITY, 1, 1, "elegant graceful refined polished exquisite stylish"},
    {ROLE_QUALITY, 1, 1, "honest sincere genuine authentic truthful candid"},
    {ROLE_QUALITY, 1, 1, "lively energetic spirited vibrant vivacious exuberant zesty"},
    {ROLE_QUALITY, -1, 2, "terrible awful dreadful horrible atrocious abysmal ghastly"},
    {ROLE_QUALITY, -1, 2, "stupid idiotic foolish moronic inane asinine brainless"},
    {ROLE_QUALITY, -1, 1, "bad poor inferior shoddy lousy substandard deficient"},
    {ROLE_QUALITY, -1, 1, "boring dull tedious dreary tiresome monotonous wearisome"},
    {ROLE_QUALITY, -1, 1, "clumsy awkward inept bungling ungainly maladroit"},
    {ROLE_QUALITY, -1, 1, "predictable stale trite hackneyed formulaic cliched derivative"},
    {ROLE_QUALITY, -1, 2, "ugly hideous repulsive grotesque unsightly revolting"},
    {ROLE_QUALITY, -1, 1, "shallow empty hollow vacuous superficial insubstantial"},
    {ROLE_QUALITY, -1, 2, "annoying irritating grating infuriating aggravating exasperating"},
    {ROLE_QUALITY, -1, 1, "messy chaotic muddled incoherent jumbled disorganized"},
    {ROLE_QUALITY, -1, 1, "fake phony contrived artificial insincere spurious"},
    {ROLE_QUALITY, -1, 1, "lifeless limp listless lethargic languid insipid"},

    {ROLE_EFFECT, 1, 1, "delights pleases gladdens gratifies cheers elates"},
    {ROLE_EFFECT, 1, 2, "inspires uplifts exalts animates invigorates"},
    {ROLE_EFFECT, 1, 2, "captivates fascinates enthralls mesmerizes bewitches entrances"},
    {ROLE_EFFECT, 1, 1, "rewards enriches nourishes satisfies fulfills"},
    {ROLE_EFFECT, -1, 1, "bores tires wearies fatigues exhausts"},
    {ROLE_EFFECT, -1, 1, "disappoints frustrates dismays disheartens deflates"},
    {ROLE_EFFECT, -1, 2, "annoys irritates irks exasperates vexes aggravates"},
    {ROLE_EFFECT, -1, 2, "insults offends affronts demeans belittles"},

    {ROLE_VERDICT, 1, 2, "masterpiece triumph marvel wonder landmark"},
    {ROLE_VERDICT, 1, 1, "delight pleasure joy treat feast"},
    {ROLE_VERDICT, 1, 1, "gem jewel treasure pearl prize"},
    {ROLE_VERDICT, 1, 1, "success hit achievement accomplishment winner"},
    {ROLE_VERDICT, -1, 2, "disaster catastrophe fiasco debacle calamity"},
    {ROLE_VERDICT, -1, 1, "mess shambles muddle clutter hodgepodge"},
    {ROLE_VERDICT, -1, 1, "failure flop dud loser washout"},
    {ROLE_VERDICT, -1, 1, "bore chore ordeal drag slog"},

    {ROLE_MANNER, 1, 2, "beautifully superbly exquisitely gorgeously wondrously"},
    {ROLE_MANNER, 1, 1, "skillfully expertly masterfully adeptly deftly"},
    {ROLE_MANNER, 1, 1, "tenderly warmly gently lovingly affectionately"},
    {ROLE_MANNER, -1, 2, "badly poorly terribly dreadfully abominably"},
    {ROLE_MANNER, -1, 1, "clumsily awkwardly ineptly gracelessly crudely"},
    {ROLE_MANNER, -1, 1, "lazily carelessly sloppily haphazardly negligently"},

    {ROLE_WORK, 0, 0, "film movie picture feature production"},
    {ROLE_ASPECT, 0, 0, "plot story narrative storyline tale"},
    {ROLE_ASPECT, 0, 0, "acting performance portrayal playing"},
    {ROLE_ASPECT, 0, 0, "music score soundtrack melody"},
    {ROLE_ASPECT, 0, 0, "ending finale conclusion closing"},
    {ROLE_ASPECT, 0, 0, "dialogue script screenplay writing"},
    {ROLE_ASPECT, 0, 0, "photography camerawork cinematography imagery"},
    {ROLE_ASPECT, 0, 0, "pacing tempo rhythm cadence"},
    {ROLE_PERSON, 0, 0, "director filmmaker auteur moviemaker"},
    {ROLE_PERSON, 0, 0, "actor performer player thespian"},
    {ROLE_PERSON, 0, 0, "cast ensemble company troupe"},
    {ROLE_AUDIENCE, 0, 0, "audience crowd public spectators viewers"},
    {ROLE_DOES, 0, 0, "works operates labors toils"},
    {ROLE_DOES, 0, 0, "speaks talks converses chats"},
    {ROLE_DOES, 0, 0, "sings chants croons vocalizes"},
    {ROLE_SHOWS, 0, 0, "follows tracks shadows trails"},
    {ROLE_SHOWS, 0, 0, "shows depicts portrays presents"},
    {ROLE_SHOWS, 0, 0, "concerns involves regards covers"},
    {ROLE_SUBJECT, 0, 0, "detective investigator sleuth inspector"},
    {ROLE_SUBJECT, 0, 0, "teacher instructor tutor educator"},
    {ROLE_SUBJECT, 0, 0, "soldier trooper warrior fighter"},
    {ROLE_SUBJECT, 0, 0, "doctor physician medic surgeon"},
    {ROLE_PLACE, 0, 0, "town village hamlet settlement"},
    {ROLE_PLACE, 0, 0, "house home dwelling residence"},
    {ROLE_PLACE, 0, 0, "forest woods woodland grove"},
    {ROLE_PLACE, 0, 0, "harbor port dock pier"},
    {ROLE_KIND, 0, 0, "small little tiny compact"},
    {ROLE_KIND, 0, 0, "old aged elderly ancient"},
    {ROLE_KIND, 0, 0, "remote distant faraway secluded"},
    {ROLE_INTENSE, 0, 0, "very extremely really exceedingly remarkably"},
    {ROLE_INTENSE, 0, 0, "truly quite thoroughly wholly"},
};

/* every other word of the grammar, with its tag */
static const struct {
    const char *word, *tag;
} PLAIN_WORDS[] = {
    {"the", "DET"},   {"a", "DET"}, {"an", "DET"},      {"this", "DET"},   {"it", "PRON"},  {"that", "DET"},
    {"is", "VERB"},   {"was", "VERB"},   {"feels", "VERB"}, {"seems", "VERB"}, {"not", "ADV"},
    {"never", "ADV"}, {"hardly", "ADV"}, {"and", "CONJ"},   {"but", "CONJ"}, {"in", "ADP"},
    {"with", "ADP"},  {"of", "ADP"},     {"about", "ADP"},  {"overall", "ADV"}, {"while", "ADP"},
    {",", "."},       {".", "."},        {"near", "ADP"},   {"who", "PRON"},
};
/* clang-format on */

#endif
