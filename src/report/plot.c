#include "report/plot.h"

#include "report/grid.h"

#include <math.h>

/* in units of the drawing, which the page scales */
enum { WIDTH = 800, LEFT = 250, RIGHT = 775, TOP = 34, ROW = 40, BOTTOM = 26 };

static double x_of(double share) {
    return LEFT + (RIGHT - LEFT) * share;
}

static err axis(size_t rows, strbuf *out) {
    const int foot = TOP + ROW * (int)rows;
    for (int percent = 0; percent <= 100; percent += 20) {
        const double x = x_of(percent / 100.0);
        CALL(strbuf_printf(out,
                           "<line class=\"axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x,
                           TOP - 6, x, foot));
        CALL(strbuf_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\">%d</text>\n", x,
                           foot + 18, percent));
    }
    return OK;
}

static err legend(strbuf *out) {
    return strbuf_printf(out,
                         "<circle class=\"acc\" cx=\"%d\" cy=\"12\" r=\"5\"/>"
                         "<text x=\"%d\" y=\"17\">Acc, %%</text>\n"
                         "<rect class=\"aua\" x=\"%d\" y=\"7\" width=\"10\" height=\"10\"/>"
                         "<text x=\"%d\" y=\"17\">Aua, %%</text>\n",
                         LEFT + 5, LEFT + 18, LEFT + 105, LEFT + 123);
}

/* an interval; its group is left open for the mark of the point */
static err whisker(const char *class, const char *name, double y, double share, double low,
                   double high, strbuf *out) {
    CALL(strbuf_printf(out, "<g class=\"%s\"><title>%s %.1f [%.1f, %.1f]</title>", class, name,
                       100.0 * share, 100.0 * low, 100.0 * high));
    return strbuf_printf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x_of(low),
                         y, x_of(high), y);
}

static err model(const store_model *m, int top, strbuf *out) {
    const double acc_y = top + 13.0, aua_y = top + 27.0;
    CALL(strbuf_printf(out, "<text class=\"name\" x=\"%d\" y=\"%d\">", LEFT - 14, top + 25));
    CALL(grid_escape_html(out, m->title));
    CALL(strbuf_printf(out, "</text>\n"));
    if (!isnan(m->acc)) {
        CALL(whisker("acc", "Acc", acc_y, m->acc, m->acc_low, m->acc_high, out));
        CALL(strbuf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/></g>\n", x_of(m->acc),
                           acc_y));
    }
    if (!isnan(m->aua)) {
        CALL(whisker("aua", "Aua", aua_y, m->aua, m->aua_low, m->aua_high, out));
        CALL(strbuf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"/></g>\n",
                           x_of(m->aua) - 5.0, aua_y - 5.0));
    }
    return OK;
}

err plot_models(const store_content *c, strbuf *out) {
    if (c->n_models == 0)
        return OK;
    CALL(strbuf_printf(out,
                       "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Accuracy and accuracy "
                       "under attack of every model, with 95 %% intervals\">\n",
                       WIDTH, TOP + ROW * (int)c->n_models + BOTTOM));
    CALL(axis(c->n_models, out));
    CALL(legend(out));
    for (size_t i = 0; i < c->n_models; i++)
        CALL(model(&c->models[i], TOP + ROW * (int)i, out));
    return strbuf_printf(out, "</svg>\n");
}
