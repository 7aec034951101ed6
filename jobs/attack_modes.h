/* attack_modes.h: what `espalier attack` does besides attacking. Private to the job. */
#ifndef ESPALIER_JOBS_ATTACK_MODES_H
#define ESPALIER_JOBS_ATTACK_MODES_H

#include "par/par.h"

/* Each parses the job's arguments, in which its name stands as an option. Collective. */
err attack_rescore(const par *p, int argc, char **argv); /* attack --rescore STUDY */

#endif
