/* the attack of a study: paths resolved, the synthetic language's own files where nothing is named
 */
#include "context.h"

#include "attack/neighbours.h"
#include "attack/recipe.h"
#include "attack/wordnet_synonyms.h"
#include "base/log.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <string.h>

static err resolve_paths(const context *c, attack_options *o) {
    struct {
        const char *option;
        char *value;
    } paths[] = {{"attack.neighbours", o->neighbours},
                 {"attack.vectors", o->vectors},
                 {"attack.tagger_path", o->tagger_path},
                 {"attack.similarity_checkpoint", o->similarity_checkpoint},
                 {"attack.masked_lm", o->masked_lm},
                 {"attack.wordnet", o->wordnet},
                 {"attack.stopwords", o->stopwords}};
    char path[PATH_BYTES];
    int synthetic = strcmp(c->s->data.name, "synthetic") == 0;
    if (synthetic && !o->neighbours[0] && !o->vectors[0])
        snprintf(o->neighbours, sizeof o->neighbours, "neighbours.json");
    int any_tagger = strcmp(o->tagger, "auto") == 0;
    const char *source;
    if (synthetic && any_tagger && !o->tagger_path[0])
        snprintf(o->tagger_path, sizeof o->tagger_path, "tags.tsv");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!paths[i].value[0])
            continue;
        CALL(context_resolve(c, paths[i].option, paths[i].value, path));
        CHECK(strlen(path) < OPTION_TEXT_BYTES, ERR_USAGE, "%s: path too long", path);
        memcpy(paths[i].value, path, strlen(path) + 1);
    }
    if (any_tagger) {
        CALL(tagger_recognise(o->tagger_path, &source));
        snprintf(o->tagger, sizeof o->tagger, "%s", source);
    }
    return OK;
}

err context_attack_by(const context *c, const char *name, attack **out) {
    attack_options o = c->s->attack;
    recipe how;
    if (name)
        CALL(recipe_another(&c->s->attack, name, &o));
    CALL(resolve_paths(c, &o));
    CALL(recipe_settle(&o, &how));
    int encoder_similarity = how.similarity != RECIPE_OWN &&
                             strcmp(o.similarity_source, "encoder") == 0 &&
                             !o.similarity_checkpoint[0];
    if (encoder_similarity && !c->pretrained)
        log_warning("sentence similarity comes from an encoder that was never pre-trained");
    attack_setup setup = {.o = &o,
                          .w = c->w,
                          .similarity = encoder_similarity ? c->start_model : NULL,
                          .max_length = (int)c->s->data.max_length,
                          .start = c->start,
                          .seed = (uint64_t)c->s->study.seed,
                          .like = c->attack}; /* the study's recipe's, when this is another one */
    return attack_open(&setup, out);
}

err context_attack(context *c, attack **out) {
    if (!c->attack)
        CALL(context_attack_by(c, NULL, &c->attack));
    *out = c->attack;
    return OK;
}

/* the files of one recipe: they are read and forgotten */
static err check_recipe(const context *c, const char *name) {
    attack_options o = c->s->attack;
    recipe how;
    tagger *t = NULL;
    neighbours *near = NULL;
    wordnet_synonyms *w = NULL;
    CALL(name ? recipe_another(&c->s->attack, name, &o) : OK);
    CALL(resolve_paths(c, &o));
    CALL(recipe_settle(&o, &how));
    CALL(tagger_open(o.tagger, o.tagger_path, &t));
    tagger_close(&t);
    if (how.from == FROM_SYNONYMS)
        CALL(wordnet_synonyms_open(o.wordnet, &w));
    wordnet_synonyms_close(&w);
    if (recipe_wants_neighbours(&how) && o.neighbours[0])
        CALL(neighbours_open(o.neighbours, how.min_cosine, &near));
    else if (recipe_wants_neighbours(&how) && o.vectors[0])
        CALL(neighbours_open_vectors(o.vectors, how.min_cosine, how.max_candidates, &near));
    neighbours_close(&near);
    return OK;
}

static err check_files(context *c, void *arg) {
    const option_texts *more = &c->s->attack.recipes;
    char begun[PATH_BYTES];
    (void)arg;
    CALL(path_join(begun, c->dir, "manifest.json"));
    if (path_exists(begun))
        return OK;
    CALL(check_recipe(c, NULL));
    for (int i = 0; i < more->n; i++)
        CALL(check_recipe(c, more->v[i]));
    return OK;
}

err context_check_attack(context *c) {
    return context_on_root(c, check_files, NULL);
}
