/* method.h: how a study writes a pruning method: BASE[@INPUTS][+refit][+swaps].
 *
 *     adaptive           exact OBS, Hessian and target as prune.hessian and prune.target say
 *     obc                exact OBS on the dense model alone
 *     sparsegpt, wanda   as published: inputs of the pruned prefix, the dense weight
 *     magnitude, magnitude-global, random
 *
 * @none, @hessian, @target, @both choose by hand what is adaptive: the inputs whose Hessian is
 * taken, the weight that is pruned, or both. +refit: least squares of the kept weights at the end.
 * +swaps: better masks by exchanging kept and removed weights. Not collective. */
#ifndef ESPALIER_CONFIG_METHOD_H
#define ESPALIER_CONFIG_METHOD_H

#include "base/err.h"

enum { METHOD_BYTES = 40 };

typedef struct method_text {
    char base[24];
    int hessian, target; /* 1: adaptive; 0: of the dense model; -1: not said */
    int refit, swaps;
} method_text;

/* ERR_USAGE, without a place: none of these. */
err method_parse(const char *text, method_text *out);

/* "N:M" or "N:MxC", 1 <= N < M <= 4096, 1 <= C <= 256. ERR_USAGE, without a place. */
err method_pattern(const char *text, int *keep, int *of, int *block);

#endif
