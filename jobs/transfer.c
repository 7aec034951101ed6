/* after the attack: what fools one model of the table, tried on every model */
#include "attack_modes.h"

#include "base/arena.h"
#include "base/log.h"

#include <stdlib.h>

static err try_model(context *c, const transfer *t, int b) {
    encoder *m = NULL;
    err e = par_agree(c->p, context_load_victim(c, c->table[b].name, &m));
    if (e == OK)
        e = transfer_try(c->p, t, m, b, c->table[b].name, c->journal,
                         c->transfer + (size_t)b * (size_t)c->n_table);
    encoder_destroy(&m);
    return e;
}

err attack_transfer(context *c) {
    const size_t n = (size_t)c->n_table;
    const attack_result **results = NULL;
    transfer *t = NULL;
    err e = mem_alloc(n * n, sizeof *c->transfer, &c->transfer);
    if (e == OK)
        e = mem_alloc(n, sizeof *results, &results);
    for (size_t i = 0; i < n && e == OK; i++)
        results[i] = c->table[i].results;
    if (e == OK)
        e = transfer_create(results, c->n_table, c->attacked.n, c->w, (int)c->s->data.max_length,
                            &t);
    TRY(par_agree(c->p, e));
    log_info("trying the adversarial texts of %d models on each of them", c->n_table);
    for (int b = 0; b < c->n_table; b++)
        TRY(try_model(c, t, b));
done:
    transfer_destroy(&t);
    free(results);
    return e;
}
