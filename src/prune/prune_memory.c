/* what pruning takes of memory: the sizes of what is allocated, where the most of it is held */
#include "prune/prune.h"

/* buffers of BLAS and of packed operands, as measured */
static const double BUFFERS = 24e6;

static double smaller(double a, double b) {
    return a < b ? a : b;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* At the stage of the widest inputs, d to m outputs: while chunks of so many tokens are summed,
 * products and fixed-point sums (hessian.h) and a chunk in float64 (linears.c); then the sums of
 * all models, the inverses that are made at a time (refit.h) and the larger of a factorisation and
 * exact OBS (obs_fast.h). */
static double stage(double d, double m, double n, double at_a_time, double chunk) {
    double square = d * d, whole = square + m * d;
    double products = 8 * whole + 16 * n * (square / 2 + m * d);
    double tokens = chunk * (2 * 8 * (d + m) + 2 * 4 * d);
    double fits = 8 * n * whole + 8 * at_a_time * whole;
    return larger(products + tokens, fits + 22 * square);
}

prune_need prune_memory(const encoder_config *c, const prune_options *o, int n, int ranks) {
    const double H = c->H, F = c->F, models = n + 1;
    double length = smaller((double)o->calibration_length, c->P);
    double chunks = (double)((o->calibration + o->chunk - 1) / o->chunk);
    double own = (double)(((int64_t)chunks + ranks - 1) / ranks);
    double chunk = smaller((double)o->chunk, (double)o->calibration) * length;
    double state = 4 * own * chunk * H, at_a_time = smaller(n, ranks);
    double most = larger(stage(F, H, n, at_a_time, chunk), stage(H, F, n, at_a_time, chunk));
    /* at the attention's output contexts lie beside all states, later beside the dense model's */
    most = larger(most, (models - 1) * state + stage(H, H, n, at_a_time, chunk));
    return (prune_need){.parameters = 4.0 * models * (double)encoder_count(c),
                        .states = (models + 1) * state,
                        .sums = most + BUFFERS};
}
