/* engine.h: many examples under attack at a time, their questions together in ragged batches.
 *
 * A rank takes on examples until what they want to know fills a batch; a batch holds texts of
 * several examples, oldest first. With the native GEMM a text's answer has the same bits in every
 * batch (tensor/gemm.h), so results depend neither on the limit nor on what else is in flight; with
 * the libraries' products, which do not promise that, examples go one by one and a batch holds
 * texts of one step in their order. Not collective. */
#ifndef ESPALIER_ATTACK_ENGINE_H
#define ESPALIER_ATTACK_ENGINE_H

#include "attack/attack.h"

typedef struct engine engine;

err engine_create(attack *a, engine **out); /* a is not owned; caller destroys */
void engine_destroy(engine **g);

/* All examples of the feed; an error of one of them ends only that one. */
err engine_run(engine *g, encoder_ws *ws, const encoder *victim, const feed *f);

typedef struct engine_work {
    int64_t tokens;    /* of the victim's forward passes */
    int64_t sequences; /* in them */
    int64_t calls;
    double seconds; /* in them */
} engine_work;
/* Done so far. */
engine_work engine_done(const engine *g);

#endif
