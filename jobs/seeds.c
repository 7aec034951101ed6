/* the common report of a study's repetitions: what each of them stored, as mean and deviation */
#include "seeds.h"
#include "rows.h"

#include "base/arena.h"
#include "base/log.h"
#include "config/seeds.h"
#include "io/atomic_file.h"
#include "report/seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

err seeds_open(seeds_run *r) {
    err e = seeds_folder(r->s, r->dir);
    if (e == OK && r->p->rank == 0) {
        e = dir_make(r->dir);
        if (e == OK)
            e = lock_take(r->dir, &r->lock);
    }
    CALL(par_agree(r->p, e));
    log_info("study %s over %d seeds in %s", r->s->study.name, r->s->study.seeds.n, r->dir);
    return OK;
}

void seeds_close(seeds_run *r) {
    lock_release(&r->lock);
}

static err read_each(const seeds_run *r, store_content *each) {
    for (int i = 0; i < r->s->study.seeds.n; i++) {
        char path[PATH_BYTES];
        int n = snprintf(path, sizeof path, "%s/seed-%lld/study.h5", r->dir,
                         (long long)r->s->study.seeds.v[i]);
        CHECK(n < (int)sizeof path, ERR_USAGE, "%s: the path is too long", r->dir);
        CALL(store_read(r->p, path, &each[i]));
    }
    return OK;
}

static err write_configuration(const seeds_run *r) {
    char path[PATH_BYTES];
    strbuf text = {0};
    err e;
    TRY(path_join(path, r->dir, "study.yaml"));
    TRY(study_write(r->s, &text));
    TRY(atomic_write(path, text.text, text.len));
done:
    strbuf_free(&text);
    return e;
}

/* files of the report, then the table on standard output */
static err publish(const seeds_run *r, const store_content *rows) {
    char dir[PATH_BYTES];
    strbuf text = {0};
    err e;
    TRY(write_configuration(r));
    TRY(path_join(dir, r->dir, "report"));
    TRY(report_write(rows, dir));
    TRY(report_text(rows, &text));
    fputs(text.text, stdout);
    ENSURE(fflush(stdout) == 0, ERR_IO, "standard output: cannot write the table");
done:
    strbuf_free(&text);
    return e;
}

err seeds_report(seeds_run *r) {
    const size_t n = (size_t)r->s->study.seeds.n;
    store_content *each = NULL, rows = {0}, stored = {0};
    char path[PATH_BYTES];
    err e = path_join(path, r->dir, "study.h5");
    if (e == OK)
        e = mem_alloc(n, sizeof *each, &each);
    TRY(par_agree(r->p, e));
    TRY(read_each(r, each));
    e = rows_options(&rows, r->s);
    if (e == OK)
        e = seeds_add(each, (int)n, &rows);
    TRY(par_agree(r->p, e));
    TRY(store_write(r->p, path, &rows));
    /* what is printed is what was stored */
    TRY(store_read(r->p, path, &stored));
    TRY(par_agree(r->p, r->p->rank == 0 ? publish(r, &stored) : OK));
done:
    for (size_t i = 0; each && i < n; i++)
        store_content_free(&each[i]);
    free(each);
    store_content_free(&rows);
    store_content_free(&stored);
    return e;
}
