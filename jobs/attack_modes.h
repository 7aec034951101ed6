/* attack_modes.h: what the attack job does besides attacking. Private to it. */
#ifndef ESPALIER_JOBS_ATTACK_MODES_H
#define ESPALIER_JOBS_ATTACK_MODES_H

#include "context.h"

/* One line: what an attack on a model came to, in how many seconds; one with the same weights as an
 * earlier model took none. */
void attack_say(const table_model *t, const attack_counts *n, double seconds);

/* Every model of the table by attack.recipes, into its `further`. Collective. */
err attack_recipes(context *c);

/* With attack.transfer: the adversarial texts of every model of the table on every model, into
 * c->transfer. Collective. */
err attack_transfer(context *c);

/* Each parses the job's arguments, in which its name stands as an option. Collective. */
err attack_rescore(const par *p, int argc, char **argv); /* attack --rescore STUDY */
err attack_show(const par *p, int argc, char **argv);    /* attack --show STUDY */

#endif
