#include "report/grid.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void grid_column(grid *g, char align, const char *head) {
    g->align[g->columns] = align;
    g->head[g->columns++] = head;
}

err grid_cell(grid *g, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    g->n_cells++;
    return strbuf_add(&g->cells, text, strlen(text) + 1);
}

err grid_number(grid *g, int decimals, double x) {
    return isnan(x) ? grid_cell(g, "-") : grid_cell(g, "%.*f", decimals, x);
}

err grid_percent(grid *g, double share) {
    return grid_number(g, 1, 100.0 * share);
}

err grid_interval(grid *g, double share, double low, double high) {
    if (isnan(share))
        return grid_cell(g, "-");
    return grid_cell(g, "%.1f [%.1f, %.1f]", 100.0 * share, 100.0 * low, 100.0 * high);
}

int grid_rows(const grid *g) {
    return g->columns ? g->n_cells / g->columns : 0;
}

void grid_free(grid *g) {
    strbuf_free(&g->cells);
    *g = (grid){0};
}

/* characters, not bytes: 10xxxxxx continues one */
static int width(const char *text) {
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static err pad(strbuf *out, int n) {
    return n > 0 ? strbuf_printf(out, "%*s", n, "") : OK;
}

/* of a column of numbers with asides: where its aside begins, or the end of the cell */
static const char *aside(const char *cell) {
    const char *a = strpbrk(cell, "[("), *deviation = strstr(cell, "±");
    return deviation ? deviation : a ? a : cell + strlen(cell);
}

/* characters of a cell before the line that all cells of the column share: all of it to the right,
 * none to the left, the number and a space */
static int lead(const char *cell, char align) {
    if (align == 'n')
        return *aside(cell) ? width(cell) - width(aside(cell)) : width(cell) + 1;
    return align == 'r' ? width(cell) : 0;
}

typedef struct extent {
    int lead, tail; /* most characters before and after the shared line */
} extent;

static void extend(extent *x, const char *cell, char align) {
    const int before = lead(cell, align), after = width(cell) - before;
    x->lead = before > x->lead ? before : x->lead;
    x->tail = after > x->tail ? after : x->tail;
}

static err text_cell(const grid *g, int column, extent x, const char *cell, strbuf *out) {
    const int before = lead(cell, g->align[column]);
    CALL(pad(out, 2 + x.lead - before));
    CALL(strbuf_add(out, cell, strlen(cell)));
    CALL(pad(out, x.tail - (width(cell) - before)));
    if (column + 1 < g->columns)
        return OK;
    while (out->len > 0 && out->text[out->len - 1] == ' ')
        out->len--;
    return strbuf_add(out, "\n", 1);
}

err grid_text(const grid *g, strbuf *out) {
    extent x[GRID_MAX_COLUMNS] = {{0, 0}};
    int total = -2;
    if (grid_rows(g) == 0)
        return OK;
    for (int i = 0; i < g->columns; i++)
        extend(&x[i], g->head[i], g->align[i]);
    const char *cell = g->cells.text;
    for (int i = 0; i < g->n_cells; i++, cell += strlen(cell) + 1)
        extend(&x[i % g->columns], cell, g->align[i % g->columns]);
    CALL(strbuf_printf(out, "%s\n", g->title));
    for (int i = 0; i < g->columns; i++) {
        CALL(text_cell(g, i, x[i], g->head[i], out));
        total += x[i].lead + x[i].tail + 2;
    }
    CALL(pad(out, 2));
    for (int i = 0; i < total; i++)
        CALL(strbuf_add(out, "-", 1));
    CALL(strbuf_add(out, "\n", 1));
    cell = g->cells.text;
    for (int i = 0; i < g->n_cells; i++, cell += strlen(cell) + 1)
        CALL(text_cell(g, i % g->columns, x[i % g->columns], cell, out));
    return g->note[0] ? strbuf_printf(out, "  %s\n", g->note) : OK;
}

/* text with every character of `special` replaced by its entry in `by` */
static err escape(strbuf *out, const char *text, const char *special, const char *const *by) {
    for (; *text; text++) {
        const char *hit = strchr(special, *text);
        const char *put = hit ? by[hit - special] : text;
        CALL(strbuf_add(out, put, hit ? strlen(put) : 1));
    }
    return OK;
}

err grid_escape_html(strbuf *out, const char *text) {
    static const char *const by[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    return escape(out, text, "&<>\"", by);
}

err grid_escape_latex(strbuf *out, const char *text) {
    static const char special[] = "&%$#_{}~^\\";
    static const char *const by[] = {"\\&",
                                     "\\%",
                                     "\\$",
                                     "\\#",
                                     "\\_",
                                     "\\{",
                                     "\\}",
                                     "\\textasciitilde{}",
                                     "\\textasciicircum{}",
                                     "\\textbackslash{}"};
    for (const char *sign; (sign = strstr(text, "±")) != NULL; text = sign + strlen("±")) {
        strbuf before = {0};
        err e = strbuf_add(&before, text, (size_t)(sign - text));
        if (e == OK)
            e = escape(out, before.text, special, by);
        strbuf_free(&before);
        CALL(e);
        CALL(strbuf_printf(out, "$\\pm$"));
    }
    return escape(out, text, special, by);
}

static err escape_markdown(strbuf *out, const char *text) {
    static const char *const by[] = {"\\|", "\\\\", "\\`", "\\*", "\\_", "&lt;"};
    return escape(out, text, "|\\`*_<", by);
}

err grid_markdown(const grid *g, strbuf *out) {
    if (grid_rows(g) == 0)
        return OK;
    for (int i = 0; i < g->columns; i++) {
        CALL(strbuf_printf(out, "| "));
        CALL(escape_markdown(out, g->head[i]));
        CALL(strbuf_printf(out, "%s", i + 1 == g->columns ? " |\n" : " "));
    }
    for (int i = 0; i < g->columns; i++)
        CALL(strbuf_printf(out, "|%s", g->align[i] == 'l' ? ":---" : "---:"));
    CALL(strbuf_printf(out, "|\n"));
    const char *cell = g->cells.text;
    for (int i = 0; i < g->n_cells; i++, cell += strlen(cell) + 1) {
        CALL(strbuf_printf(out, "| "));
        CALL(escape_markdown(out, cell));
        CALL(strbuf_printf(out, "%s", (i + 1) % g->columns == 0 ? " |\n" : " "));
    }
    return OK;
}

err grid_latex(const grid *g, strbuf *out) {
    if (grid_rows(g) == 0)
        return OK;
    CALL(strbuf_printf(out, "\\begin{tabular}{"));
    for (int i = 0; i < g->columns; i++)
        CALL(strbuf_add(out, g->align[i] == 'l' ? "l" : "r", 1));
    CALL(strbuf_printf(out, "}\n\\toprule\n"));
    for (int i = 0; i < g->columns; i++) {
        CALL(grid_escape_latex(out, g->head[i]));
        CALL(strbuf_printf(out, "%s", i + 1 == g->columns ? " \\\\\n\\midrule\n" : " & "));
    }
    const char *cell = g->cells.text;
    for (int i = 0; i < g->n_cells; i++, cell += strlen(cell) + 1) {
        CALL(grid_escape_latex(out, cell));
        CALL(strbuf_printf(out, "%s", (i + 1) % g->columns == 0 ? " \\\\\n" : " & "));
    }
    return strbuf_printf(out, "\\bottomrule\n\\end{tabular}\n");
}

enum { PHRASE = 32 }; /* bytes that a cell without line breaks may have */

static err html_cell(strbuf *out, const char *cell, char align) {
    if (align == 'n') {
        const char *a = aside(cell);
        return strbuf_printf(out, "<td><b>%.*s</b><span>%s</span></td>", (int)(a - cell), cell, a);
    }
    CALL(strbuf_printf(out, align == 'r'            ? "<td class=\"r\">"
                            : strlen(cell) > PHRASE ? "<td class=\"text\">"
                                                    : "<td>"));
    CALL(grid_escape_html(out, cell));
    return strbuf_printf(out, "</td>");
}

err grid_html(const grid *g, strbuf *out) {
    if (grid_rows(g) == 0)
        return OK;
    CALL(strbuf_printf(out, "<div class=\"wide\"><table>\n<thead><tr>"));
    for (int i = 0; i < g->columns; i++) {
        CALL(strbuf_printf(out, g->align[i] == 'r' ? "<th class=\"r\">" : "<th>"));
        CALL(grid_escape_html(out, g->head[i]));
        CALL(strbuf_printf(out, "</th>"));
    }
    CALL(strbuf_printf(out, "</tr></thead>\n<tbody>\n"));
    const char *cell = g->cells.text;
    for (int i = 0; i < g->n_cells; i++, cell += strlen(cell) + 1) {
        if (i % g->columns == 0)
            CALL(strbuf_printf(out, "<tr>"));
        CALL(html_cell(out, cell, g->align[i % g->columns]));
        if ((i + 1) % g->columns == 0)
            CALL(strbuf_printf(out, "</tr>\n"));
    }
    return strbuf_printf(out, "</tbody>\n</table></div>\n");
}
