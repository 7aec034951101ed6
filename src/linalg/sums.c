#include "linalg/sums.h"

#include "linalg/fixed.h"

/* fixed.h takes float64 by itself where it does not pay */
static int is_chained(int terms, int rows, int cols) {
    return !fixed_here() && chained_pays(terms, rows, cols);
}

err sums_gram(chained_room *room, double *c, const double *x, int T, int d) {
    return is_chained(T, d, d) ? chained_gram(room, c, x, T, d) : fixed_gram(c, x, T, d);
}

err sums_cross(chained_room *room, double *c, const double *y, int ldy, const double *x, int ldx,
               int T, int m, int d) {
    return is_chained(T, m, d) ? chained_cross(room, c, y, ldy, x, ldx, T, m, d)
                               : fixed_cross(c, y, ldy, x, ldx, T, m, d);
}

err sums_both(chained_room *room, double *xx, double *yx, const double *y, int ldy, const double *x,
              int T, int m, int d) {
    if (is_chained(T, d, d) && is_chained(T, m, d))
        return chained_both(room, xx, yx, y, ldy, x, T, m, d);
    CALL(sums_gram(room, xx, x, T, d));
    return sums_cross(room, yx, y, ldy, x, d, T, m, d);
}

err sums_linear(chained_room *room, double *y, const double *x, int ldx, const double *w, int T,
                int m, int d) {
    return is_chained(d, T, m) ? chained_linear(room, y, x, ldx, w, T, m, d)
                               : fixed_linear(y, x, ldx, w, T, m, d);
}
