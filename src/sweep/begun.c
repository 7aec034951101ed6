#include "sweep/begun.h"

#include <string.h>

static const char *const STAGE = "begun", *const BEGIN = "{\"begun\": 1}",
                         *const LEAVE = "{\"left\": 1}";

err begun_open(const char *dir, int rank, journal **out) {
    return journal_open(dir, STAGE, rank, out);
}

err begun_begin(journal *j, const char *name) {
    return journal_append(j, name, 0, BEGIN);
}

err begun_leave(journal *j, const char *name) {
    return journal_append(j, name, 0, LEAVE);
}

typedef struct tally {
    const variant *v;
    int n;
    int64_t *tries;
} tally;

static err tell(void *state, const char *key, int64_t unit, const char *record) {
    tally *t = state;
    (void)unit;
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->v[i].name, key) == 0)
            t->tries[i] += strcmp(record, BEGIN) == 0 ? 1 : -1;
    return OK;
}

err begun_count(const par *p, const char *dir, const variant *v, int n, int64_t *tries) {
    tally t = {v, n, tries};
    for (int i = 0; i < n; i++)
        tries[i] = 0;
    CALL(par_agree(p, par_first(p) && dir ? journal_read(dir, STAGE, tell, &t) : OK));
    return par_bcast(p, tries, (size_t)n * sizeof *tries, 0);
}
