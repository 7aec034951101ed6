#include "job.h"
#include "rows.h"

#include "io/atomic_file.h"

#include <stdio.h>

/* files of the report, then the list of finished artefacts */
static err publish(context *c, void *arg) {
    static const char *const files[] = {"report/table.md", "report/table.tex", "report/table.csv",
                                        "report/index.html", "study.h5"};
    char dir[PATH_BYTES];
    strbuf text = {0};
    err e;
    TRY(path_join(dir, c->dir, "report"));
    TRY(report_write(arg, dir));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        TRY(manifest_add(c->manifest, files[i], "report", "journal"));
    if (c->repeated)
        goto done;
    TRY(report_text(arg, &text));
    fputs(text.text, stdout);
    ENSURE(fflush(stdout) == 0, ERR_IO, "standard output: cannot write the table");
done:
    strbuf_free(&text);
    return e;
}

static err report(context *c) {
    char path[PATH_BYTES];
    store_content rows = {0}, stored = {0};
    err e;
    TRY(path_join(path, c->dir, "study.h5"));
    TRY(par_agree(c->p, rows_fill(&rows, c)));
    /* times and machine are rank 0's: a store is written from the same rows on every rank */
    TRY(par_bcast(c->p, rows.timings, rows.n_timings * sizeof *rows.timings, 0));
    TRY(par_bcast(c->p, rows.provenance, rows.n_provenance * sizeof *rows.provenance, 0));
    TRY(store_write(c->p, path, &rows));
    /* what is printed is what was stored */
    TRY(store_read(c->p, path, &stored));
    TRY(context_on_root(c, publish, &stored));
done:
    store_content_free(&rows);
    store_content_free(&stored);
    return e;
}

err stage_report(context *c) {
    return context_stage(c, REPORT, stage_attack, report);
}

err job_report(const par *p, int argc, char **argv) {
    return context_job(p, argc, argv,
                       "Bring a study up to date, write study.h5 and the report, print the tables.",
                       stage_report);
}
