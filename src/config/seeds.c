#include "config/seeds.h"

#include "base/arena.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

err seeds_check(const study *s, const node *root) {
    const node *seeds = node_member(root, "seeds");
    for (int v = 0; v < s->n_variants && s->study.seeds.n > 0; v++)
        CHECK(s->variants[v].o.seed < SEEDS_STEP, ERR_USAGE,
              "%s: variant %s has seed %lld: in a repeated study they are below %d, because "
              "repetition K trains variant seed s with %d K + s",
              node_value_place(seeds ? seeds : root).text, s->variants[v].name,
              (long long)s->variants[v].o.seed, (int)SEEDS_STEP, (int)SEEDS_STEP);
    return OK;
}

err seeds_folder(const study *s, option_text out) {
    const char *given = s->study.directory;
    int n = given[0] ? snprintf(out, OPTION_TEXT_BYTES, "%s", given)
                     : snprintf(out, OPTION_TEXT_BYTES, "results/%s", s->study.name);
    CHECK(n < OPTION_TEXT_BYTES, ERR_USAGE, "%s: the name of the study's folder is too long",
          s->path);
    return OK;
}

/* "1, 2, 3" */
static err list(const study *s, strbuf *out) {
    for (int i = 0; i < s->study.seeds.n; i++)
        CALL(strbuf_printf(out, "%s%lld", i ? ", " : "", (long long)s->study.seeds.v[i]));
    return OK;
}

static err check_member(const study *s, int64_t seed) {
    for (int i = 0; i < s->study.seeds.n; i++)
        if (s->study.seeds.v[i] == seed)
            return OK;
    CHECK(s->study.seeds.n > 0, ERR_USAGE,
          "%s: the study is not repeated: give its seeds, e.g. --set seeds=[1,2,3]", s->path);
    strbuf all = {0};
    CALL(list(s, &all));
    err e = err_raise(ERR_USAGE, __FILE__, __LINE__, "%s: seed %lld is none of the study's: %s",
                      s->path, (long long)seed, all.text);
    strbuf_free(&all);
    return e;
}

err seeds_study(const study *s, int64_t seed, study **out) {
    study *one = NULL;
    option_text folder;
    err e;
    TRY(check_member(s, seed));
    TRY(seeds_folder(s, folder));
    TRY(mem_alloc(1, sizeof *one, &one));
    *one = *s;
    one->variants = NULL;
    TRY(mem_alloc((size_t)s->n_variants, sizeof *one->variants, &one->variants));
    memcpy(one->variants, s->variants, (size_t)s->n_variants * sizeof *s->variants);
    for (int v = 0; v < s->n_variants; v++)
        one->variants[v].o.seed += SEEDS_STEP * seed;
    one->study.seed = seed;
    one->study.seeds.n = 0;
    one->data.seed = s->data.seed ? s->data.seed : s->study.seed;
    int n = snprintf(one->study.directory, sizeof one->study.directory, "%s/seed-%lld", folder,
                     (long long)seed);
    ENSURE(n < (int)sizeof one->study.directory, ERR_USAGE,
           "%s: the name of the study's folder is too long", s->path);
    *out = one;
    one = NULL;
done:
    study_free(&one);
    return e;
}
