/* stopwords.h: words that are never ranked nor replaced. Case-sensitive, as in TextAttack. */
#ifndef ESPALIER_ATTACK_STOPWORDS_H
#define ESPALIER_ATTACK_STOPWORDS_H

#include "io/dictionary.h"

/* path "": the built-in closed-class words of English. One word a line otherwise. Caller destroys.
 */
err stopwords_open(const char *path, dictionary **out);

#endif
