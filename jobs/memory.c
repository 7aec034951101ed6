#include "memory.h"

#include "base/log.h"

static const double GIB = 0x1p-30;

err memory_finetune(const context *c, const encoder_config *shape, int ranks, need *most) {
    const study *s = c->s;
    *most = (need){0};
    for (int i = 0; i < s->n_variants; i++) {
        const finetune_options *o = &s->variants[i].o;
        need one;
        int group = o->ranks_per_variant < ranks ? (int)o->ranks_per_variant : ranks;
        CALL(need_finetune(shape, o, group, &c->xtrain, &c->xheldout, &one));
        if (need_total(&one) > need_total(most))
            *most = one;
    }
    return OK;
}

err memory_fits(const available *room, const char *what, const need *n) {
    double all = need_total(n) + room->held;
    CHECK(all <= room->bytes, ERR_FAILED,
          "not enough memory for %s: a rank needs about %.2f GiB (parameters %.2f, gradients %.2f, "
          "moments %.2f, activations %.2f, held already %.2f), there are %.2f by %s with %d rank%s "
          "on this host: start fewer ranks a host, ask for more memory, or lower batch, max_length "
          "or shards",
          what, GIB * all, GIB * n->parameters, GIB * n->gradients, GIB * n->moments,
          GIB * n->activations, GIB * room->held, GIB * room->bytes, room->by, room->ranks_here,
          room->ranks_here == 1 ? "" : "s");
    return OK;
}

err memory_check(const par *p, const char *what, const need *n) {
    available room;
    CALL(available_memory(p, &room));
    log_detail("%s: a rank needs about %.2f GiB, there are %.2f", what,
               GIB * (need_total(n) + room.held), GIB * room.bytes);
    return memory_fits(&room, what, n);
}

err memory_pretrain(const context *c, const encoder *m, const examples *x) {
    need n;
    CALL(par_agree(c->p, need_pretrain(&m->c, &c->s->pretrain, c->p->size, x, &n)));
    n.parameters = 0;
    return memory_check(c->p, "pre-training", &n);
}
