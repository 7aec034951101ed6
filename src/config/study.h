/* study.h: a study's configuration: YAML + --set -> struct -> effective YAML.
 *
 * The file's sections and options are those of options.h. finetune also takes, beside its own
 * options (the defaults of every variant), any of
 *     variants: [{name: a, learning_rate: 1e-3}, …]           a list of overrides,
 *     grid:     {learning_rate: [1e-3, 2e-3], seed: [1, 2]}   all combinations, last option
 * fastest, random:   {draw: 9, seed: 7, space: {…}}                draws by seed, see draws.h, in
 * this order. None of them: one variant with the defaults. Variants without a name are called v00,
 * v01, … in order, draws r00, r01, … Not collective. */
#ifndef ESPALIER_CONFIG_STUDY_H
#define ESPALIER_CONFIG_STUDY_H

#include "base/err.h"
#include "base/strbuf.h"
#include "config/options.h"

#include <stdint.h>

enum { OPTION_TEXT_BYTES = 512, OPTION_LIST = 32, OPTION_WORD_BYTES = 64 };

typedef int64_t option_integer;
typedef double option_real;
typedef int option_flag;
typedef char option_text[OPTION_TEXT_BYTES];
typedef struct option_integers {
    int n;
    int64_t v[OPTION_LIST];
} option_integers;
typedef struct option_reals {
    int n;
    double v[OPTION_LIST];
} option_reals;
typedef struct option_texts {
    int n;
    char v[OPTION_LIST][OPTION_WORD_BYTES];
} option_texts;

#define OPTION_FIELD(type, name, ...) option_##type name;
#define OPTION_STRUCT(section, TABLE)                                                              \
    typedef struct section##_options {                                                             \
        TABLE(OPTION_FIELD)                                                                        \
    } section##_options;
STUDY_SECTIONS(OPTION_STRUCT)
#undef OPTION_STRUCT
#undef OPTION_FIELD

enum { STUDY_MAX_VARIANTS = 1024, VARIANT_NAME_BYTES = 64 };

typedef struct variant {
    char name[VARIANT_NAME_BYTES];
    finetune_options o; /* seed is resolved: never 0 */
} variant;

typedef struct study {
    char path[4096]; /* the file it came from */
#define OPTION_MEMBER(section, TABLE) section##_options section;
    STUDY_SECTIONS(OPTION_MEMBER)
#undef OPTION_MEMBER
    variant *variants; /* (n_variants), owned */
    int n_variants;
} study;

/* Read path, then apply sets[0 .. n_sets-1] ("attack.examples=50", "seed=2", also called
 * "study.seed=2"; the value is YAML). All checks: unknown or misspelt option (with the nearest
 * name), duplicate key, wrong type, out of range, contradictions between options: ERR_USAGE
 * "study.yaml:12:5: …" (or "--set …"). A missing file is ERR_USAGE too. Caller frees with
 * study_free. */
err study_read(const char *path, const char *const *sets, int n_sets, study **out);
void study_free(study **s);

/* The effective configuration as YAML, every default filled in, with help and unit as comments;
 * reads back to the same study. Same study, same bytes. The folder of the study is not part of it.
 */
err study_write(const study *s, strbuf *out);

/* The options of one section as "name=value" pairs, for `--help` and provenance. */
typedef err (*study_each)(void *state, const char *section, const char *name, const char *value,
                          const char *unit, const char *help);
err study_walk(const study *s, study_each each, void *state);

#endif
