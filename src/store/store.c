#include "store/store.h"

#include "store/table.h"

#include <string.h>

static err add(store_content *c, int t, void *out) {
    const size_t last = table_view(c, t).n;
    CALL(table_resize(c, t, last + 1));
    char *row = (char *)table_view(c, t).rows + last * table_at(t)->row_bytes;
    memcpy(out, &row, sizeof row);
    return OK;
}

#define ADD(table, row, COLUMNS, title)                                                            \
    err store_add_##table(store_content *c, store_##row **out) {                                   \
        return add(c, TABLE_##table, out);                                                         \
    }
STORE_TABLES(ADD)

void store_text(char *to, size_t width, const char *text) {
    static const char more[] = "…";
    size_t n = strlen(text);
    memset(to, 0, width);
    if (n < width) {
        memcpy(to, text, n);
        return;
    }
    /* back to the first byte of a character: 10xxxxxx continues one */
    n = width - sizeof more;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    memcpy(to, text, n);
    memcpy(to + n, more, sizeof more);
}

void store_content_free(store_content *c) {
    for (int t = 0; t < TABLE_COUNT; t++)
        (void)table_resize(c, t, 0); /* freeing cannot fail */
}
