/* draws.h: random variants of a sweep, drawn by seed from a space of options.
 *
 *     random:
 *       draw: 20                                 # how many
 *       seed: 7                                  # 0 or none: the study's
 *       space:
 *         learning_rate: {log_uniform: [1e-5, 1e-3]}
 *         epochs: {uniform: [2, 5]}              # whole numbers, both ends included
 *         weight_decay: [0.01, 0.001]            # one of them
 *
 * The value of an option in draw i is a function of (seed, the option's name, i), so that a larger
 * `draw` keeps what was drawn before and a further option changes no other. Real numbers are
 * rounded to four significant digits, to be read and typed again. No two draws are alike. */
#ifndef ESPALIER_CONFIG_DRAWS_H
#define ESPALIER_CONFIG_DRAWS_H

#include "config/option.h"

#include <stdint.h>

enum {
    DRAW_AXES = 0
#define DRAW_AXIS(...) +1
    FINETUNE_OPTIONS(DRAW_AXIS)
#undef DRAW_AXIS
};

typedef enum draw_kind { DRAW_CHOICE, DRAW_UNIFORM, DRAW_LOG_UNIFORM } draw_kind;

/* one option and where its values come from */
typedef struct draw_axis {
    const option *o;
    draw_kind kind;
    double low, high;   /* of numbers */
    const node *values; /* of a choice, n of them */
    int n;
} draw_axis;

typedef struct draws {
    int n; /* 0: none */
    uint64_t seed;
    int n_axes;
    draw_axis axis[DRAW_AXES];
    const node *at; /* for messages */
} draws;

/* random: the section's member as read, NULL: no draws; options: those of finetune; seed: the
 * study's; room: variants that are still allowed. ERR_USAGE with the place: no or an empty space,
 * an unknown option, bounds that are reversed, equal, out of the option's range or not positive
 * (log_uniform), fewer different variants than draws. Not collective. */
err draws_read(const node *random, const section *options, int64_t seed, int room, draws *out);

/* Write draw i's values over o; turn counts from 0 where a draw was like one before it. */
err draws_take(const draws *d, int i, int turn, finetune_options *o);

#endif
