/* clip.h: the norm of a gradient and what brings it within bounds. Not collective. */
#ifndef ESPALIER_TRAIN_CLIP_H
#define ESPALIER_TRAIN_CLIP_H

#include <stddef.h>

/* The norm is summed by blocks of this many elements, so that ranks that each hold some blocks get
 * the same bits as one that holds all. */
enum { CLIP_BLOCK = 1024 };

/* squares (ceil(n / CLIP_BLOCK)): the sum of squares of each block of x (n), float64, fixed order;
 * NaN if an entry is. */
void clip_squares(double *squares, const float *x, size_t n);
/* The same of x (V, width) of which only rows (V) that are 1 are read, the others being +0: its
 * whole blocks alone; returns how many elements these are. */
size_t clip_rows(double *squares, const float *x, size_t V, size_t width, const char *rows);
/* Root of the sum of squares (n), in order. */
double clip_root(const double *squares, size_t n);

/* Euclidean norm of grads (n): both of the above. */
double gradient_norm(const float *grads, size_t n);

/* Factor that brings norm to at most clip; 0: any norm is fine (torch.nn.utils.clip_grad_norm_:
 * clip / (norm + 1e-6)). */
double clip_scale(double norm, double clip);

#endif
