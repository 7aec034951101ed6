/* soup_parts.h: what the soup stage is made of. */
#ifndef ESPALIER_JOBS_SOUP_PARTS_H
#define ESPALIER_JOBS_SOUP_PARTS_H

#include "context.h"

/* Which variants there are to average, checked: each is the file that fine-tuning wrote, and all
 * come from one start. Collective. */
err soup_ingredients(context *c);
/* The held-out examination of this study: which examples are attacked, and how. Collective. */
err soup_examination(context *c);

#endif
