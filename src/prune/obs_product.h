/* obs_product.h: the product inside exact OBS: columns of an inverse less vectors times factors.
 * Two implementations, chosen when the program runs: float32 multiply-adds, and integers on AMX
 * tiles.
 *
 * Both sides of a product are packed, in steps of some vectors:
 *
 *   a panel: PANEL positions, step by step                 what is subtracted
 *   a group: a head, then up to `rows` positions, likewise the factors
 *
 * A result does not depend on what else is in a group. Private to exact OBS; nothing here is
 * collective. */
#ifndef ESPALIER_PRUNE_OBS_PRODUCT_H
#define ESPALIER_PRUNE_OBS_PRODUCT_H

#include "prune/subset.h"
#include "tensor/tile.h"

#include <stddef.h>
#include <stdint.h>

enum { OBS_EPOCH_MOST = 64 /* removals of an epoch there is room for */ };
enum { PANEL = TILE_COLS, GROUP_HEAD = 2 * PANEL /* floats: units of the group's positions */ };

/* where vectors are kept */
typedef struct obs_store {
    int positions;   /* there is room for, a multiple of PANEL */
    size_t distance; /* bytes from panel to panel */
    char *panels;    // (positions / PANEL, distance)
    float *unit;     // (positions) no number of a position is above OBS_UNITS times its unit
} obs_store;

/* The largest integer whose three balanced digits of eight bits are all there is 8,355,711; less
 * than that by what rounding may add to a number that is as large as it can be. */
static const double OBS_UNITS = 8300000.0;

typedef struct obs_product {
    int rows;     /* positions of a group */
    int step;     /* vectors of a step */
    int epoch;    /* removals of an epoch: a multiple of the step, with digits one step */
    int deep;     /* vectors of a product at most, a multiple of the step; 0: all there are */
    size_t panel; /* bytes of a step of a panel */
    size_t group; /* of a group */
    /* Vectors `from` to t - 1 of now (n / PANEL, stride, PANEL) become numbers made, made + 1, … */
    void (*append)(const obs_store *v, const float *now, int n, int stride, int made, int from,
                   int t);
    /* Of `made` vectors only the positions that are alive; what follows in the last panel is 0. */
    void (*compact)(const obs_store *v, const subset *alive, int made);
    /* One step, vectors t to t + k - 1, of n positions. Vectors before first[i] count as 0. */
    void (*pack_group)(const obs_store *v, void *group, const int32_t *position,
                       const int32_t *first, int n, int t, int k);
    void (*begin)(void); /* around calls of subtract */
    void (*end)(void);
    /* c[i] + at (PANEL) -= sum over k vectors of group and panel, for i < n; head (GROUP_HEAD) and
     * unit (PANEL) of both; meanwhile `bytes` from `ahead` on come into the second cache */
    void (*subtract)(float *const *c, size_t at, const float *head, const void *group,
                     const float *unit, const void *panel, int n, int k, const void *ahead,
                     size_t bytes);
} obs_product;

/* the step of panel j that vector t is in */
static inline char *obs_panel(const obs_product *p, const obs_store *v, int j, int t) {
    return v->panels + (size_t)j * v->distance + (size_t)(t / p->step) * p->panel;
}

const obs_product *obs_product_lanes(void);
const obs_product *obs_product_digits(void); /* NULL: not on this machine */

#endif
