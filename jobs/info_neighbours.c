/* an index of neighbours: how many words and pairs it has, and what it was made from */
#include "info.h"

#include "attack/neighbour_index.h"
#include "io/json.h"

#include <stdlib.h>

err info_neighbours(const char *path, strbuf *out) {
    neighbour_index x = {0};
    json_t *made = NULL;
    char *text = NULL;
    uint32_t with = 0;
    err e;
    TRY(neighbour_index_open(path, &x));
    for (uint32_t i = 0; i < x.words; i++)
        with += x.first[i + 1] > x.first[i];
    TRY(strbuf_printf(out,
                      "%s: index of neighbours, %u words, %u of them with neighbours, %llu pairs\n",
                      path, x.words, with, (unsigned long long)x.pairs));
    TRY(json_parse(x.provenance, path, &made));
    text = json_dumps(made, JSON_SORT_KEYS | JSON_INDENT(2));
    ENSURE(text, ERR_FAILED, "out of memory: provenance");
    TRY(strbuf_printf(out, "%s\n", text));
done:
    free(text);
    json_decref(made);
    neighbour_index_close(&x);
    return e;
}
