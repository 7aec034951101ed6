#include "sweep/usage.h"

#include "base/strbuf.h"
#include "io/journal.h"
#include "io/json.h"

#include <string.h>

static const char *STAGE = "usage";

static err add_line(void *state, const char *key, int64_t unit, const char *record) {
    sweep_usage *total = state;
    json_t *j;
    double available = 0, training = 0, other = 0;
    (void)key, (void)unit;
    CALL(json_parse(record, "journal of usage", &j));
    err e = json_get_real(j, STAGE, "available", &available);
    if (e == OK)
        e = json_get_real(j, STAGE, "training", &training);
    if (e == OK)
        e = json_get_real(j, STAGE, "other", &other);
    json_decref(j);
    CALL(e);
    total->available += available;
    total->training += training;
    total->other += other;
    return OK;
}

static err write_line(const char *dir, const sweep_usage *u) {
    journal *j = NULL;
    strbuf line = {0};
    err e;
    TRY(journal_open(dir, STAGE, 0, &j));
    TRY(strbuf_printf(&line, "{\"available\": %.6f, \"training\": %.6f, \"other\": %.6f}",
                      u->available, u->training, u->other));
    TRY(journal_append(j, "", 0, line.text));
done:
    journal_close(&j);
    strbuf_free(&line);
    return e;
}

err usage_add(const par *p, const char *dir, const sweep_usage *mine, sweep_usage *total) {
    int64_t spent[3] = {(int64_t)(1e6 * mine->available), (int64_t)(1e6 * mine->training),
                        (int64_t)(1e6 * mine->other)};
    CALL(par_sum_i64(p, spent, 3));
    sweep_usage now = {1e-6 * (double)spent[0], 1e-6 * (double)spent[1], 1e-6 * (double)spent[2]};
    err e = OK;
    *total = now;
    if (dir && par_first(p)) {
        memset(total, 0, sizeof *total);
        e = spent[1] > 0 ? write_line(dir, &now) : OK; /* a start that finds all done counts not */
        if (e == OK)
            e = journal_read(dir, STAGE, add_line, total);
    }
    CALL(par_agree(p, e));
    return par_bcast(p, total, sizeof *total, 0);
}
