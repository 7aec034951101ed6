#include "attack_rows.h"

#include "attack/recipe.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <string.h>

err attack_rows_path(char out[OPTION_TEXT_BYTES], const char *data, const char *name) {
    char path[4096];
    CALL(path_join(path, data, name));
    CHECK(strlen(path) < OPTION_TEXT_BYTES, ERR_USAGE, "%s: path too long", path);
    memcpy(out, path, strlen(path) + 1);
    return OK;
}

err attack_rows_options(const char *data, const char *similarity, attack_options *out) {
    CALL(recipe_options("textfooler", out));
    CALL(attack_rows_path(out->neighbours, data, "synonyms/counterfitted_neighbors.json"));
    CALL(attack_rows_path(out->tagger_path, data, "pos/nltk-perceptron.json"));
    snprintf(out->tagger, sizeof out->tagger, "perceptron");
    snprintf(out->similarity_source, sizeof out->similarity_source, "%s", similarity);
    return OK;
}

/* a feed of the rows at .. end - 1 */
typedef struct line {
    const dataset *d;
    int first, at, end;
    attack_result *r; // (end - first)
} line;

static err next_row(void *state, int64_t *unit, const char **text, int *label) {
    line *l = state;
    *unit = l->at < l->end ? l->at++ : -1;
    if (*unit >= 0) {
        *text = dataset_text(l->d, (int)*unit);
        *label = l->d->label[*unit];
    }
    return OK;
}

static err keep_row(void *state, int64_t unit, err e, attack_result *r) {
    line *l = state;
    attack_result *kept = &l->r[unit - l->first];
    CALL(e);
    attack_result_free(kept);
    *kept = *r;
    *r = (attack_result){0};
    return OK;
}

err attack_rows(attack *a, encoder_ws *ws, const encoder *victim, const dataset *d, int first,
                int n, attack_result *r) {
    line l = {d, first, first, first + n, r};
    return attack_feed(a, ws, victim, &(feed){&l, next_row, keep_row, NULL});
}
