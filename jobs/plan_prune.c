/* memory and time of pruning */
#include "plan.h"

#include "prune/way.h"

#include <math.h>

static const double GIB = 0x1p-30;

/* share of the machine's float32 speed in training that pruning reaches in float64 */
static const double FLOAT64 = 0.4;

static double smaller(double a, double b) {
    return a < b ? a : b;
}

/* how many models go together, on how many ranks */
static int together(const study_plan *p, int *ranks) {
    const prune_options *o = &p->c->s->prune;
    int each = (int)o->ranks_per_model, models = o->methods.n * (o->sparsity.n + o->patterns.n);
    *ranks = each > 0 && each < p->ranks ? each : p->ranks;
    int groups = (p->ranks + *ranks - 1) / *ranks;
    return (int)smaller((double)o->together, (double)((models + groups - 1) / groups));
}

err plan_print_prune(const study_plan *p, strbuf *out) {
    const prune_options *o = &p->c->s->prune;
    int ranks, n = together(p, &ranks);
    if (n == 0)
        return OK;
    prune_need most = prune_memory(&p->shape, o, n, ranks);
    double all = most.parameters + most.states + most.sums + p->room.held;
    return strbuf_printf(
        out,
        "%-10s %8.3f: %d model%s at a time: parameters %.3f, states %.3f, sums and "
        "factors %.3f, held already %.3f\n",
        "prune", GIB * all, n, n == 1 ? "" : "s", GIB * most.parameters, GIB * most.states,
        GIB * most.sums, GIB * p->room.held);
}

/* Rows of exact OBS, in units of a third of the cube: one pass a sparsity, or one for all where
 * they are cut from a single trace. */
static double exact_rows(const prune_options *o, const char *method) {
    way w;
    double all = 0.0, most = 0.0;
    if (way_of(method, o, &w) != OK || w.rows != ROWS_OBS)
        return 0.0;
    for (int i = 0; i < o->sparsity.n; i++) {
        double share = 1.0 - pow(1.0 - o->sparsity.v[i], 3.0);
        all += share;
        most = share > most ? share : most;
    }
    return w.prefix || w.fitted ? all : most;
}

/* Exact OBS: two operations for each entry of H^-1 and each weight removed, of a matrix that
 * shrinks (a third of the cube); the Hessians are small beside it. */
double plan_prune_seconds(const study_plan *p, double weights) {
    const prune_options *o = &p->c->s->prune;
    const encoder_config *c = &p->shape;
    double H = c->H, F = c->F, exact = 0, rate = 6 * weights / p->speed.rates.token * FLOAT64;
    double rows = (4 * H * H * H * H + F * H * H * H + H * F * F * F) / 3;
    double tokens = (double)(o->calibration * o->calibration_length);
    double hessians = 2 * tokens * (3 * H * H + F * F);
    for (int i = 0; i < o->methods.n; i++)
        exact += exact_rows(o, o->methods.v[i]);
    return c->L * (exact * rows + o->methods.n * o->sparsity.n * hessians) / rate;
}
