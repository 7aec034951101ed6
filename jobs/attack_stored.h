/* attack_stored.h: the attacks of a finished study, read back from its folder. */
#ifndef ESPALIER_JOBS_ATTACK_STORED_H
#define ESPALIER_JOBS_ATTACK_STORED_H

#include "attack/recipe.h"
#include "attack/result.h"
#include "config/study.h"
#include "store/store.h"

typedef struct stored {
    study *s;
    char dir[4096];
    store_content rows;
} stored;

/* study: a study's folder, or its .yaml. ERR_USAGE: no finished study there. Collective. */
err stored_open(const par *p, const char *path, stored *out);
void stored_close(stored *s);

/* Model of the table by its name; NULL with ERR_USAGE and the names there are. */
err stored_model(const stored *s, const char *name, const store_model **out);
/* The recipe of that name with the thresholds it had, NULL: the study's own. ERR_USAGE: none of the
 * study's. */
err stored_recipe(const stored *s, const char *name, recipe *out);
/* First row of a model by a recipe in /attacks; its rows follow one another, m->n of them.
 * ERR_USAGE: it was not attacked by that. */
err stored_first(const stored *s, const store_model *m, const char *by, size_t *first);
/* Row i of /attacks: outcome, counts, queries, changes. Caller frees r. */
err stored_attack(const stored *s, size_t i, attack_result *r);
/* Append the text of that hash. */
err stored_text(const stored *s, int64_t hash, strbuf *out);

#endif
