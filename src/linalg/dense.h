/* dense.h: the float64 matrix products that pruning needs, in its own terms (CBLAS below).
 *
 * Matrices are row-major; ld is the distance of two rows in doubles. Where a symmetric matrix is
 * written only its lower triangle (column <= row) is. Nothing here is collective; one thread. */
#ifndef ESPALIER_LINALG_DENSE_H
#define ESPALIER_LINALG_DENSE_H

/* c (d, d) lower = x^T x, x (T, d): the sum of outer products of T rows. */
void dense_gram(double *c, const double *x, int T, int d);

/* c (m, d) = y^T x, y (T, m) with rows ldy apart, x (T, d) with rows ldx apart. */
void dense_cross(double *c, const double *y, int ldy, const double *x, int ldx, int T, int m,
                 int d);

/* c (m, n) = a b, a (m, d), b (d, n). */
void dense_product(double *c, const double *a, const double *b, int m, int d, int n);

/* y (T, m) = x w^T, x (T, d) with rows ldx apart, w (m, d): a linear layer without bias. */
void dense_linear(double *y, const double *x, int ldx, const double *w, int T, int m, int d);

/* y (T, m) = add * y + x w, x (T, d), w (d, m); rows ldy, ldx, ldw apart; add 0: y is not read. */
void dense_multiply_add(double *y, int ldy, const double *x, int ldx, const double *w, int ldw,
                        int T, int m, int d, double add);

/* y (d) = a x, a (d, d) full. */
void dense_times(double *y, const double *a, const double *x, int d);

/* sum x_i y_i over n. */
double dense_dot(const double *x, const double *y, int n);

/* c (n) -= sum over s < t of f[s * f_step] * u[s] (n); u (t, ld). */
void dense_subtract(double *c, const double *u, int ld, const double *f, int f_step, int t, int n);

/* g (n, n) lower, rows ldg apart, -= u^T u, u (t, n) with rows ldu apart. */
void dense_downdate(double *g, int ldg, const double *u, int ldu, int t, int n);

/* The upper triangle becomes the mirror image of the lower one: a (d, d). */
void dense_mirror(double *a, int d);

#endif
