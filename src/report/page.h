/* page.h: a study's results as one HTML page that needs nothing else. Not collective. */
#ifndef ESPALIER_REPORT_PAGE_H
#define ESPALIER_REPORT_PAGE_H

#include "base/strbuf.h"
#include "store/store.h"

err page_write(const store_content *c, strbuf *out);

#endif
