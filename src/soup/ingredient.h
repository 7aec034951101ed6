/* ingredient.h: the fine-tuned variants of which averages are made, and what they must share. */
#ifndef ESPALIER_SOUP_INGREDIENT_H
#define ESPALIER_SOUP_INGREDIENT_H

#include "model/encoder.h"
#include "par/par.h"

typedef struct soup_ingredient {
    char name[64];
    char dir[4096];    /* Hugging Face layout, as encoder_save writes it */
    char ancestor[65]; /* SHA-256 of the weights it was fine-tuned from; "": not known */
    precision p;       /* in which averages are computed */
    int contrast;      /* 1: scored beside the others, never averaged */
} soup_ingredient;

/* Every ingredient of s (n) loads, and those that may be averaged fit together: the same shape,
 * classes, vocabulary and ancestor. Averages of models that do not descend from one start mean
 * nothing (arXiv 1912.05671): their loss rises between them. ERR_DATA names both where two differ,
 * and the file where one is damaged; ERR_FAILED: there is nothing to average. The ranks share the
 * loading; two blocks of memory each. Collective. */
err ingredients_check(const par *p, const soup_ingredient *s, int n);

#endif
