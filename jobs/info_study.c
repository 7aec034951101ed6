/* what a study will do, stage by stage */
#include "info.h"

#include "config/study.h"
#include "config/variants.h"

#include <string.h>

/* "all" for the 0 that means it */
static err print_count(strbuf *out, int64_t n, const char *what) {
    return n ? strbuf_printf(out, "%lld %s", (long long)n, what)
             : strbuf_printf(out, "all %s", what);
}

static err print_data(const study *s, strbuf *out) {
    CALL(strbuf_printf(out, "  data      %s", s->data.name));
    if (strcmp(s->data.name, "synthetic") == 0)
        CALL(strbuf_printf(out, " (%lld and %lld sentences)", (long long)s->synthetic.train,
                           (long long)s->synthetic.test));
    CALL(strbuf_printf(out, ": "));
    CALL(print_count(out, s->data.train_examples, "training examples"));
    CALL(strbuf_printf(out, ", %lld held out; ", (long long)s->data.heldout_examples));
    CALL(print_count(out, s->data.test_examples, "reported examples"));
    return strbuf_printf(out, "; at most %lld tokens each\n", (long long)s->data.max_length);
}

static err print_start(const study *s, strbuf *out) {
    const model_options *m = &s->model;
    CALL(strbuf_printf(out, "  start     "));
    if (m->checkpoint[0])
        CALL(strbuf_printf(out, "checkpoint %s\n", m->checkpoint));
    else
        CALL(strbuf_printf(out,
                           "new encoder: %lld layers, %lld wide, %lld heads, feed-forward %lld\n",
                           (long long)m->layers, (long long)m->hidden, (long long)m->heads,
                           (long long)m->feed_forward));
    if (s->pretrain.epochs == 0)
        return strbuf_printf(out, "  pretrain  none\n");
    return strbuf_printf(out, "  pretrain  %lld epochs of %s\n", (long long)s->pretrain.epochs,
                         s->pretrain.corpus[0] ? s->pretrain.corpus : "the synthetic corpus");
}

static err print_methods(const study *s, strbuf *out) {
    CALL(strbuf_printf(
        out, "  soup      %lld held-out examples attacked for every score (%s), rule %s\n",
        (long long)s->soup.examples, s->soup.score, s->soup.rule));
    CALL(strbuf_printf(out, "  prune     "));
    for (int i = 0; i < s->prune.methods.n; i++)
        CALL(strbuf_printf(out, "%s%s", i ? ", " : "", s->prune.methods.v[i]));
    CALL(strbuf_printf(out, "%s", s->prune.sparsity.n && s->prune.methods.n ? " at" : "nothing"));
    for (int i = 0; i < s->prune.sparsity.n && s->prune.methods.n; i++)
        CALL(strbuf_printf(out, "%s %g %%", i ? "," : "", 100.0 * s->prune.sparsity.v[i]));
    CALL(strbuf_printf(out, "\n  attack    %s of ", s->attack.recipe));
    CALL(print_count(out, s->attack.examples, "reported examples"));
    return strbuf_printf(out, "\n");
}

err info_study(const char *path, strbuf *out) {
    study *s = NULL;
    err e;
    TRY(study_read(path, NULL, 0, &s));
    TRY(strbuf_printf(out, "%s: study %s, seed %lld\n", path, s->study.name,
                      (long long)s->study.seed));
    TRY(print_data(s, out));
    TRY(print_start(s, out));
    TRY(strbuf_printf(out, "  finetune  %d variant%s\n", s->n_variants,
                      s->n_variants == 1 ? "" : "s"));
    TRY(variants_write(s->variants, s->n_variants, &s->finetune, out));
    TRY(print_methods(s, out));
done:
    study_free(&s);
    return e;
}
