#include "attack/synonyms_sources.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/atomic_file.h"
#include "io/hash.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

/* the vectors on every rank; words stay on rank 0 */
static err share_vectors(const par *p, const char *path, word_vectors *v) {
    int shape[2] = {0};
    err e = par_first(p) ? word_vectors_read(path, v) : OK;
    shape[0] = v->n;
    shape[1] = v->d;
    CALL(par_agree(p, e));
    CALL(par_bcast(p, shape, sizeof shape, 0));
    size_t n = (size_t)shape[0] * (size_t)shape[1];
    if (p->rank != 0)
        e = mem_alloc(n, sizeof *v->v, &v->v);
    v->n = shape[0];
    v->d = shape[1];
    CALL(par_agree(p, e));
    return par_bcast(p, v->v, n * sizeof *v->v, 0);
}

static err from_vectors(const par *p, const synonyms_sources *a, synonyms *s) {
    word_vectors v = {0};
    nearest_one *near = NULL; // (n, top)
    int32_t *count = NULL;    // (n)
    double start = clock_now();
    err e;
    TRY(share_vectors(p, a->vectors, &v));
    log_info("%s: %d words, %d numbers each, read in %.1f s", a->vectors, v.n, v.d,
             clock_now() - start);
    start = clock_now();
    e = mem_alloc((size_t)v.n * (size_t)a->top, sizeof *near, &near);
    if (e == OK)
        e = mem_alloc((size_t)v.n, sizeof *count, &count);
    TRY(par_agree(p, e));
    TRY(nearest_all(p, v.v, v.n, v.d, a->top, a->least, near, count));
    log_info("the %d nearest of each found in %.1f s", a->top, clock_now() - start);
    if (par_first(p))
        e = synonyms_add_vectors(s, &v, near, count, a->top);
    TRY(par_agree(p, e));
done:
    word_vectors_free(&v);
    free(near);
    free(count);
    return e;
}

/* "kind": file (a folder: its name), SHA-256, bytes */
static err describe(json_t *sources, const char *kind, const char *path) {
    if (!path)
        return OK;
    char hex[65] = "";
    int64_t bytes = 0;
    json_t *source = NULL;
    if (strcmp(kind, "wordnet") == 0) {
        char file[4096];
        CALL(path_join(file, path[0] ? path : "/usr/share/wordnet", "data.noun"));
        CALL(hash_file(file, hex, &bytes));
        source = json_pack("{s:s, s:s}", "kind", kind, "data_noun_sha256", hex);
    } else {
        CALL(hash_file(path, hex, &bytes));
        source = json_pack("{s:s, s:s, s:s, s:I}", "kind", kind, "file", path_name(path), "sha256",
                           hex, "bytes", (json_int_t)bytes);
    }
    CHECK(source && json_array_append_new(sources, source) == 0, ERR_FAILED, "out of memory");
    return OK;
}

static err provenance(const synonyms_sources *a, char **text) {
    json_t *sources = json_array(), *all = NULL;
    err e;
    TRY(describe(sources, "vectors", a->vectors));
    TRY(describe(sources, "neighbours", a->neighbours));
    TRY(describe(sources, "pairs", a->pairs));
    TRY(describe(sources, "wordnet", a->wordnet));
    TRY(describe(sources, "antonyms", a->antonyms));
    all = json_pack("{s:s, s:O, s:i, s:f}", "made_by", a->made_by, "sources", sources, "top",
                    a->top, "min_cosine", a->least);
    *text = all ? json_dumps(all, JSON_SORT_KEYS) : NULL;
    ENSURE(*text, ERR_FAILED, "out of memory: provenance");
done:
    json_decref(sources);
    json_decref(all);
    return e;
}

/* what rank 0 does alone behind the vectors */
static err finish(const synonyms_sources *a, synonyms *s, synonyms_counts *n) {
    char *made = NULL;
    err e = OK;
    if (a->neighbours)
        TRY(synonyms_add_json(s, a->neighbours));
    if (a->pairs)
        TRY(synonyms_add_pairs(s, a->pairs));
    if (a->wordnet)
        TRY(synonyms_add_wordnet(s, a->wordnet));
    synonyms_count(s, n);
    TRY(provenance(a, &made));
    TRY(synonyms_write(s, made, a->out));
done:
    free(made);
    return e;
}

err synonyms_make(const par *p, const synonyms_sources *a, synonyms_counts *n) {
    synonyms *s = NULL;
    err e = synonyms_create(&s);
    if (e == OK && par_first(p) && a->antonyms)
        e = synonyms_exclude(s, a->antonyms);
    TRY(par_agree(p, e));
    if (a->vectors)
        TRY(from_vectors(p, a, s));
    if (par_first(p))
        e = finish(a, s, n);
    TRY(par_agree(p, e));
done:
    synonyms_destroy(&s);
    return e;
}
