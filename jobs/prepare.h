/* prepare.h: what `espalier prepare` makes besides a study's data. Each is one job with arguments
 * of its own; argv[0] is its name for messages. */
#ifndef ESPALIER_JOBS_PREPARE_H
#define ESPALIER_JOBS_PREPARE_H

#include "par/par.h"

/* A tagger from tagged text. Rank 0 does all of it. Collective. */
err prepare_tagger(const par *p, int argc, char **argv);
/* An index of neighbours from vectors, lists, pairs and WordNet. Collective. */
err prepare_synonyms(const par *p, int argc, char **argv);

#endif
