/* every model of the table against the best single one, on the same reported examples */
#include "rows.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(field, text) store_text(field, sizeof field, text)

/* outcomes as marks: every example is attacked */
static err marks_of(const table_model *t, int n, marks *out, uint8_t **right, uint8_t **sturdy,
                    int32_t *rows) {
    CALL(mem_alloc((size_t)n + 1, 1, right));
    CALL(mem_alloc((size_t)n + 1, 1, sturdy));
    for (int i = 0; i < n; i++) {
        const attack_result *r = &t->results[i];
        (*right)[i] = r->outcome != ATTACK_SKIPPED &&
                      (r->outcome != ATTACK_ERRORED || r->prob > 0.0); /* as in its counts */
        (*sturdy)[i] = r->outcome == ATTACK_FAILED;
        rows[i] = i;
    }
    *out = (marks){n, n, *right, *sturdy, rows};
    return OK;
}

static err add_row(store_content *s, const table_model *t, const table_model *best,
                   const char *measure, const comparison *c, int n) {
    store_comparison *r;
    CALL(store_add_comparisons(s, &r));
    TEXT(r->model, t->name);
    TEXT(r->title, t->title);
    TEXT(r->against, best->name);
    TEXT(r->measure, measure);
    r->n = n;
    r->difference = c->difference;
    r->error = c->error;
    r->low = c->difference - 1.96 * c->error;
    r->high = c->difference + 1.96 * c->error;
    r->gained = c->gained;
    r->lost = c->lost;
    r->p = c->p;
    r->tie = fabs(c->difference) <= c->error;
    return OK;
}

static err compare(store_content *s, const table_model *t, const table_model *best, int n) {
    uint8_t *bits[4] = {NULL, NULL, NULL, NULL};
    int32_t *rows = NULL;
    marks a, b;
    err e;
    TRY(mem_alloc((size_t)n + 1, sizeof *rows, &rows));
    TRY(marks_of(best, n, &a, &bits[0], &bits[1], rows));
    TRY(marks_of(t, n, &b, &bits[2], &bits[3], rows));
    const comparison acc = marks_compare(&a, &b, 0.0), aua = marks_compare(&a, &b, 1.0);
    TRY(add_row(s, t, best, "acc", &acc, n));
    TRY(add_row(s, t, best, "aua", &aua, n));
done:
    for (int i = 0; i < 4; i++)
        free(bits[i]);
    free(rows);
    return e;
}

err rows_comparisons(store_content *s, const context *c) {
    const table_model *best = NULL;
    for (int i = 0; i < c->n_table; i++)
        if (strcmp(c->table[i].role, "best single") == 0)
            best = &c->table[i];
    for (int i = 0; i < c->n_table && best; i++)
        if (&c->table[i] != best)
            CALL(compare(s, &c->table[i], best, c->attacked.n));
    return OK;
}
