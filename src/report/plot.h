/* plot.h: Acc and Aua of every model with their intervals, as inline SVG that takes its colours
 * from the page's style sheet. Not collective. */
#ifndef ESPALIER_REPORT_PLOT_H
#define ESPALIER_REPORT_PLOT_H

#include "base/strbuf.h"
#include "store/store.h"

/* Append an <svg>; nothing without models. */
err plot_models(const store_content *c, strbuf *out);

#endif
