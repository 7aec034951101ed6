#include "report/page.h"

#include "report/plot.h"
#include "report/table.h"

static const char style[] =
    ":root { color-scheme: light dark; --ink: #1d2126; --dim: #626a73; --line: #dde1e6; "
    "--paper: #fff; --acc: #2563a8; --aua: #b4541a; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --dim: #98a1ab; "
    "--line: #363c43; --paper: #16191d; --acc: #7fb0e8; --aua: #f0a060; } }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); "
    "max-width: 76rem; margin: 2.5rem auto; padding: 0 1.25rem; }\n"
    "h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .25rem; }\n"
    "h2 { font-size: 1.1rem; font-weight: 600; margin: 2.25rem 0 .5rem; }\n"
    "p { color: var(--dim); margin: .4rem 0; max-width: 60rem; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }\n"
    "th, td { padding: .3rem .75rem .3rem 0; text-align: left; white-space: nowrap; "
    "vertical-align: top; }\n"
    "th { font-weight: 600; border-bottom: 2px solid var(--line); }\n"
    "td { border-bottom: 1px solid var(--line); }\n"
    "td.text { white-space: normal; min-width: 13rem; }\n"
    ".r { text-align: right; } td span { color: var(--dim); }\n"
    "td b { display: inline-block; min-width: 2.6em; font-weight: inherit; text-align: right; "
    "white-space: pre; }\n"
    "svg { width: 100%; margin-top: 1.25rem; max-width: 56rem; font: 14px system-ui, sans-serif; "
    "fill: var(--ink); }\n"
    ".axis { stroke: var(--line); } .tick { text-anchor: middle; fill: var(--dim); }\n"
    ".name { text-anchor: end; }\n"
    ".acc { fill: var(--acc); stroke: var(--acc); } .aua { fill: var(--aua); stroke: var(--aua); "
    "}\n"
    ".acc line, .aua line { stroke-width: 2; }\n"
    "summary { cursor: pointer; font-weight: 600; margin-top: 2.25rem; }\n";

typedef err (*table_fn)(const store_content *c, grid *out);

static err models(const store_content *c, grid *out) {
    return table_models(c, 1, out);
}

static err heading(const char *title, const char *note, strbuf *out) {
    CALL(strbuf_printf(out, "<h2>"));
    CALL(grid_escape_html(out, title));
    CALL(strbuf_printf(out, "</h2>\n"));
    if (!note[0])
        return OK;
    CALL(strbuf_printf(out, "<p>"));
    CALL(grid_escape_html(out, note));
    return strbuf_printf(out, "</p>\n");
}

static err section(const store_content *c, table_fn fill, strbuf *out) {
    grid g = {0};
    err e;
    TRY(fill(c, &g));
    if (grid_rows(&g) > 0) {
        TRY(heading(g.title, g.note, out));
        TRY(grid_html(&g, out));
    }
done:
    grid_free(&g);
    return e;
}

static err configuration(const store_content *c, strbuf *out) {
    grid g = {0};
    err e;
    TRY(table_options(c, &g));
    TRY(strbuf_printf(out, "<details><summary>Configuration</summary>\n"));
    TRY(grid_html(&g, out));
    TRY(strbuf_printf(out, "</details>\n"));
done:
    grid_free(&g);
    return e;
}

static err head(const char *name, strbuf *out) {
    CALL(strbuf_printf(out,
                       "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width\">\n<title>"));
    CALL(grid_escape_html(out, name));
    CALL(strbuf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style));
    CALL(grid_escape_html(out, name));
    return strbuf_printf(out, "</h1>\n<p>Accuracy under attack of fine-tuned, averaged and pruned "
                              "models. Made by espalier from study.h5, which also holds every "
                              "attacked example, all times and the versions of program and "
                              "libraries.</p>\n");
}

err page_write(const store_content *c, strbuf *out) {
    CALL(head(table_study(c), out));
    CALL(section(c, table_seeds, out));
    CALL(section(c, models, out));
    CALL(plot_models(c, out));
    CALL(section(c, table_recipes, out));
    CALL(section(c, table_conventions, out));
    CALL(section(c, table_transfer, out));
    CALL(section(c, table_comparisons, out));
    CALL(section(c, table_variants, out));
    CALL(section(c, table_soup, out));
    CALL(section(c, table_learned, out));
    CALL(section(c, table_barriers, out));
    CALL(section(c, table_layers, out));
    CALL(section(c, table_drift, out));
    CALL(section(c, table_curves, out));
    CALL(section(c, table_pretraining, out));
    CALL(section(c, table_data, out));
    CALL(configuration(c, out));
    return strbuf_printf(out, "</body>\n</html>\n");
}
