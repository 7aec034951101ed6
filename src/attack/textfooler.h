/* textfooler.h: one example under attack. Private to the attack. */
#ifndef ESPALIER_ATTACK_TEXTFOOLER_H
#define ESPALIER_ATTACK_TEXTFOOLER_H

#include "attack/attack.h"
#include "attack/neighbours.h"
#include "attack/similarity.h"
#include "attack/texts.h"
#include "io/dictionary.h"
#include "text/words.h"

struct attack {
    attack_options o;
    neighbours *near;
    neighbours *vectors; /* of the similarity, NULL: near's own or none */
    tagger *tagger;
    dictionary *stop;
    similarity *alike; /* NULL: no constraint */
    texts *texts;
    arena *scratch; /* everything of one example */
};

/* The search itself: text and label in, result out; runs inside a->scratch. */
err textfooler(attack *a, encoder_ws *ws, const encoder *victim, const char *text, int label,
               attack_result *r);

#endif
