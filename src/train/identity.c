#include "train/identity.h"

#include "io/hash.h"

err identity_encoder(const encoder *m, strbuf *out) {
    const encoder_config *c = &m->c;
    return strbuf_printf(out, "%d %d %d %d %d %d %d %d %d %d %d %a %d %llx|", (int)c->family, c->V,
                         c->H, c->L, c->A, c->F, c->Y, c->P, c->first_position, c->K, c->mlm,
                         (double)c->norm_eps, (int)c->p,
                         (unsigned long long)hash_u64(m->block, m->n * sizeof *m->block));
}

err identity_examples(const examples *x, strbuf *out) {
    return strbuf_printf(
        out, "%d %llx %llx %llx|", x->n,
        (unsigned long long)hash_u64(x->offset, ((size_t)x->n + 1) * sizeof *x->offset),
        (unsigned long long)hash_u64(x->ids, (size_t)x->offset[x->n] * sizeof *x->ids),
        (unsigned long long)hash_u64(x->label, (size_t)x->n * sizeof *x->label));
}
