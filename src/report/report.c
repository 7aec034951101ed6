#include "report/report.h"

#include "io/atomic_file.h"
#include "report/page.h"
#include "report/table.h"

#include <math.h>

void report_counts(store_model *row, const attack_counts *c) {
    const interval acc = wilson(c->correct, c->n), aua = wilson(c->failed, c->n);
    const interval asr = wilson(c->success, c->success + c->failed);
    row->n = c->n;
    row->correct = c->correct;
    row->success = c->success;
    row->failed = c->failed;
    row->errored = c->errored;
    row->queries = c->queries;
    row->changed = c->changed;
    row->words = c->words;
    row->shares = c->shares;
    row->similarity = c->similarity;
    row->tested = c->tested;
    row->acc = metrics_acc(c);
    row->acc_low = acc.low;
    row->acc_high = acc.high;
    row->aua = metrics_aua(c);
    row->aua_low = aua.low;
    row->aua_high = aua.high;
    row->asr = metrics_asr(c);
    row->asr_low = asr.low;
    row->asr_high = asr.high;
}

/* what a reader of the table must know beside it, one "prefix<line>" each */
static err remarks(const store_content *c, const char *prefix, strbuf *out) {
    for (size_t i = 0; i < c->n_models; i++) {
        const store_model *m = &c->models[i];
        if (m->errored > 0)
            CALL(strbuf_printf(out,
                               "%s%s: %lld examples could not be attacked; they count in Acc, "
                               "against Aua and not in Asr.\n",
                               prefix, m->title, (long long)m->errored));
    }
    return OK;
}

static err choices(const store_content *c, strbuf *out) {
    CALL(strbuf_printf(out, "\nHow the models were chosen\n"));
    for (size_t i = 0; i < c->n_models; i++)
        CALL(strbuf_printf(out, "  %s: %s\n", c->models[i].title, c->models[i].chosen));
    return OK;
}

typedef err (*table_fn)(const store_content *c, grid *out);

static err models_narrow(const store_content *c, grid *out) {
    return table_models(c, 0, out);
}

static err models_wide(const store_content *c, grid *out) {
    return table_models(c, 1, out);
}

static err text_table(const store_content *c, table_fn fill, strbuf *out) {
    grid g = {0};
    err e;
    TRY(fill(c, &g));
    if (out->len > 0 && grid_rows(&g) > 0)
        TRY(strbuf_add(out, "\n", 1));
    TRY(grid_text(&g, out));
done:
    grid_free(&g);
    return e;
}

err report_text(const store_content *c, strbuf *out) {
    static const table_fn order[] = {
        table_data,     table_pretraining, table_variants, table_soup,        table_learned,
        table_barriers, table_layers,      models_narrow,  table_recipes,     table_conventions,
        table_transfer, table_drift,       table_curves,   table_comparisons, table_seeds};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        CALL(text_table(c, order[i], out));
    if (c->n_models == 0)
        return strbuf_printf(out, "No model was attacked.\n");
    CALL(remarks(c, "  ", out));
    return c->n_seeds ? OK : choices(c, out);
}

static err markdown_table(const store_content *c, table_fn fill, strbuf *out) {
    grid g = {0};
    err e;
    TRY(fill(c, &g));
    if (grid_rows(&g) > 0) {
        TRY(strbuf_printf(out, "\n## %s\n\n", g.title));
        TRY(grid_markdown(&g, out));
        if (g.note[0])
            TRY(strbuf_printf(out, "\n%s\n", g.note));
    }
done:
    grid_free(&g);
    return e;
}

static err markdown(const store_content *c, strbuf *out) {
    static const table_fn order[] = {
        table_seeds,       models_wide,    table_recipes, table_conventions, table_transfer,
        table_comparisons, table_variants, table_soup,    table_learned,     table_barriers,
        table_layers,      table_drift,    table_curves,  table_pretraining, table_data};
    CALL(strbuf_printf(out, "# %s\n", table_study(c)));
    CALL(remarks(c, "\n", out));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        CALL(markdown_table(c, order[i], out));
    return OK;
}

static err latex_table(const store_content *c, table_fn fill, strbuf *out) {
    grid g = {0};
    err e;
    TRY(fill(c, &g));
    TRY(strbuf_printf(out, "%% needs \\usepackage{booktabs}\n%% %s\n%% ", g.title));
    for (const char *t = g.note; *t; t++)
        TRY(*t == '\n' ? strbuf_printf(out, "\n%%") : strbuf_add(out, t, 1));
    TRY(strbuf_printf(out, "\n"));
    TRY(remarks(c, "% ", out));
    TRY(grid_latex(&g, out));
done:
    grid_free(&g);
    return e;
}

static err latex(const store_content *c, strbuf *out) {
    return latex_table(c, c->n_seeds ? table_seeds : models_narrow, out);
}

/* table.csv is /models itself, column by column */
static err csv_integer(strbuf *out, const int64_t *x) {
    return strbuf_printf(out, "%lld", (long long)*x);
}

static err csv_real(strbuf *out, const double *x) {
    return isnan(*x) ? OK : strbuf_printf(out, "%.10g", *x);
}

static err csv_text(strbuf *out, const char (*x)[]) {
    CALL(strbuf_add(out, "\"", 1));
    for (const char *t = *x; *t; t++)
        CALL(strbuf_printf(out, *t == '"' ? "\"\"" : "%c", *t));
    return strbuf_add(out, "\"", 1);
}

#define HEAD(type, name, width, unit, help)                                                        \
    CALL(strbuf_printf(out, "%s" #name, comma));                                                   \
    comma = ",";
#define CELL(type, name, width, unit, help)                                                        \
    CALL(strbuf_printf(out, "%s", comma));                                                         \
    CALL(csv_##type(out, &row->name));                                                             \
    comma = ",";

static err csv(const store_content *c, strbuf *out) {
    const char *comma = "";
    STORE_MODEL_COLUMNS(HEAD)
    CALL(strbuf_add(out, "\n", 1));
    for (const store_model *row = c->models; row < c->models + c->n_models; row++) {
        comma = "";
        STORE_MODEL_COLUMNS(CELL)
        CALL(strbuf_add(out, "\n", 1));
    }
    return OK;
}

/* seeds.csv is /seeds */
static err csv_seeds(const store_content *c, strbuf *out) {
    const char *comma = "";
    STORE_SEED_COLUMNS(HEAD)
    CALL(strbuf_add(out, "\n", 1));
    for (const store_seed *row = c->seeds; row < c->seeds + c->n_seeds; row++) {
        comma = "";
        STORE_SEED_COLUMNS(CELL)
        CALL(strbuf_add(out, "\n", 1));
    }
    return OK;
}

typedef err (*file_fn)(const store_content *c, strbuf *out);

static err write_file(const store_content *c, const char *dir, const char *name, file_fn fill) {
    char path[4096];
    strbuf text = {0};
    err e;
    TRY(path_join(path, dir, name));
    TRY(fill(c, &text));
    TRY(atomic_write(path, text.text, text.len));
done:
    strbuf_free(&text);
    return e;
}

err report_write(const store_content *c, const char *dir) {
    CALL(dir_make(dir));
    CALL(write_file(c, dir, "table.md", markdown));
    CALL(write_file(c, dir, "table.tex", latex));
    CALL(write_file(c, dir, "table.csv", csv));
    if (c->n_seeds)
        CALL(write_file(c, dir, "seeds.csv", csv_seeds));
    return write_file(c, dir, "index.html", page_write);
}
