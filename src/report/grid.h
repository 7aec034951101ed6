/* grid.h: a table of texts, filled once, shown as text, Markdown, LaTeX or HTML. Not collective. */
#ifndef ESPALIER_REPORT_GRID_H
#define ESPALIER_REPORT_GRID_H

#include "base/strbuf.h"

enum { GRID_MAX_COLUMNS = 16 };

typedef struct grid {
    const char *title;
    const char *note; /* what the columns mean; "": nothing to say */
    int columns;
    const char *head[GRID_MAX_COLUMNS];
    char align[GRID_MAX_COLUMNS]; /* 'l', 'r', 'n': number with an aside, "84.2 [81.0, 87.0]" */
    strbuf cells;                 /* row by row, every cell closed by a NUL */
    int n_cells;
} grid;

/* Append a column; before any cell. */
void grid_column(grid *g, char align, const char *head);
/* Append the next cell of the current row. */
err grid_cell(grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a number, "-" for NaN: what was not measured. A share goes from 0 to 1 and is shown
 * in
 * %, alone ("84.2") or with its interval ("84.2 [81.0, 87.0]"). */
err grid_number(grid *g, int decimals, double x);
err grid_percent(grid *g, double share);
err grid_interval(grid *g, double share, double low, double high);
int grid_rows(const grid *g);
void grid_free(grid *g); /* cells; leaves g zeroed */

/* Append the grid; none of them appends anything for a grid without rows. */
err grid_text(const grid *g, strbuf *out);     /* title, aligned columns, note */
err grid_markdown(const grid *g, strbuf *out); /* the table alone */
err grid_latex(const grid *g, strbuf *out);    /* a tabular for \usepackage{booktabs} */
err grid_html(const grid *g, strbuf *out);     /* a <table>; an aside is marked up */

/* Append text with the characters that are special in the language escaped. */
err grid_escape_html(strbuf *out, const char *text);
err grid_escape_latex(strbuf *out, const char *text);

#endif
