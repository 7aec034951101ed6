#include "attack_stored.h"

#include "base/arena.h"
#include "config/seeds.h"
#include "io/atomic_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static err find(const char *path, stored *out) {
    struct stat st;
    char file[4096];
    option_text folder;
    CHECK(stat(path, &st) == 0, ERR_USAGE, "%s: there is no such study", path);
    if (S_ISDIR(st.st_mode)) {
        snprintf(out->dir, sizeof out->dir, "%s", path);
        CALL(path_join(file, path, "study.yaml"));
        CHECK(path_exists(file), ERR_USAGE, "%s: has no study.yaml: expected a study's folder",
              path);
        return study_read(file, NULL, 0, &out->s);
    }
    CALL(study_read(path, NULL, 0, &out->s));
    CALL(seeds_folder(out->s, folder));
    snprintf(out->dir, sizeof out->dir, "%s", folder);
    return OK;
}

err stored_open(const par *p, const char *path, stored *out) {
    char file[4096];
    *out = (stored){0};
    err e = find(path, out);
    if (e == OK)
        e = path_join(file, out->dir, "study.h5");
    TRY(par_agree(p, e));
    ENSURE(path_exists(file), ERR_USAGE, "%s does not exist: `espalier report` writes it", file);
    TRY(store_read(p, file, &out->rows));
    ENSURE(out->rows.n_attacks > 0, ERR_USAGE, "%s: no attacks%s", file,
           out->rows.n_seeds ? ": name the folder of one of its seeds" : "");
done:
    if (e != OK)
        stored_close(out);
    return par_agree(p, e);
}

void stored_close(stored *s) {
    study_free(&s->s);
    store_content_free(&s->rows);
}

err stored_model(const stored *s, const char *name, const store_model **out) {
    strbuf names = {0};
    err e = OK;
    *out = NULL;
    for (size_t i = 0; i < s->rows.n_models && e == OK; i++) {
        if (strcmp(s->rows.models[i].name, name) == 0)
            *out = &s->rows.models[i];
        e = strbuf_printf(&names, "%s%s", i ? ", " : "", s->rows.models[i].name);
    }
    if (e == OK && !*out)
        e = err_raise(ERR_USAGE, __FILE__, __LINE__, "no model \"%s\": there are %s", name,
                      names.text ? names.text : "none");
    strbuf_free(&names);
    return e;
}

err stored_recipe(const stored *s, const char *name, recipe *out) {
    const attack_options *o = &s->s->attack;
    attack_options another;
    if (!name || strcmp(name, o->recipe) == 0)
        return recipe_settle(o, out);
    int i = 0;
    while (i < o->recipes.n && strcmp(o->recipes.v[i], name) != 0)
        i++;
    CHECK(i < o->recipes.n, ERR_USAGE, "%s was not attacked by %s: attack.recipe is %s%s", s->dir,
          name, o->recipe, o->recipes.n ? ", and there are attack.recipes" : "");
    CALL(recipe_another(o, name, &another));
    return recipe_settle(&another, out);
}

err stored_first(const stored *s, const store_model *m, const char *by, size_t *first) {
    const store_attack *a = s->rows.attacks;
    size_t i = 0;
    while (i < s->rows.n_attacks &&
           (strcmp(a[i].model, m->name) != 0 || strcmp(a[i].recipe, by) != 0))
        i++;
    CHECK(i < s->rows.n_attacks, ERR_USAGE, "%s was not attacked by %s", m->name, by);
    CHECK(i + (size_t)m->n <= s->rows.n_attacks, ERR_DATA, "%s/study.h5: %s has too few rows",
          s->dir, m->name);
    *first = i;
    return OK;
}

static err add_queries(const stored *s, const store_attack *a, attack_result *r) {
    const size_t first = (size_t)a->first_query, n = (size_t)a->recorded;
    CHECK(a->first_query >= 0 && a->recorded >= 0 && first + n <= s->rows.n_queries, ERR_DATA,
          "%s/study.h5: row %lld of %s: its queries are not there", s->dir, (long long)a->row,
          a->model);
    for (const store_query *q = s->rows.queries + first; q < s->rows.queries + first + n; q++) {
        attack_query one = {.prob = q->prob,
                            .predicted = q->predicted,
                            .purpose = q->step < QUERY_CANDIDATE ? (attack_purpose)q->step
                                                                 : QUERY_CANDIDATE,
                            .word = q->word,
                            .similarity = q->similarity,
                            .taken = q->taken};
        memcpy(&one.text, &q->text, sizeof one.text);
        CALL(attack_result_add(r, &one));
    }
    return OK;
}

err stored_attack(const stored *s, size_t i, attack_result *r) {
    const store_attack *a = &s->rows.attacks[i];
    *r = (attack_result){.label = (int)a->label,
                         .words = (int)a->words,
                         .queries = a->queries,
                         .prob = a->prob,
                         .final_prob = a->final_prob,
                         .similarity = a->similarity};
    while (r->outcome < ATTACK_ERRORED && strcmp(attack_outcome_name(r->outcome), a->outcome) != 0)
        r->outcome++;
    CHECK(a->first_change >= 0 && (size_t)(a->first_change + a->changed) <= s->rows.n_changes,
          ERR_DATA, "%s/study.h5: row %lld of %s: its changed words are not there", s->dir,
          (long long)a->row, a->model);
    for (const store_change *c = s->rows.changes + a->first_change;
         c < s->rows.changes + a->first_change + a->changed; c++)
        CALL(attack_result_change(r, c->word, c->before, c->after));
    return add_queries(s, a, r);
}

err stored_text(const stored *s, int64_t hash, strbuf *out) {
    const store_passage *t = s->rows.texts, *end = t + s->rows.n_texts;
    while (t < end && t->text != hash)
        t++;
    CHECK(t < end, ERR_DATA, "%s/study.h5: a text is not there", s->dir);
    for (; t < end && t->text == hash; t++)
        CALL(strbuf_add(out, t->value, strlen(t->value)));
    return OK;
}
