/* feed.h: examples to attack, one after the other, and what becomes of them. Not collective. */
#ifndef ESPALIER_ATTACK_FEED_H
#define ESPALIER_ATTACK_FEED_H

#include "attack/result.h"

/* Where examples come from and results go to. */
typedef struct feed {
    void *state;
    /* The next example: *unit < 0 when there is none left. The text stays until it is done. */
    err (*next)(void *state, int64_t *unit, const char **text, int *label);
    /* e is OK, or what was raised for this example (r is `errored` then, with the message as its
     * final text). What is left in r is freed afterwards. */
    err (*done)(void *state, int64_t unit, err e, attack_result *r);
    /* How many may be on their way now, one at least; NULL: any number. */
    int64_t (*room)(void *state);
} feed;

#endif
