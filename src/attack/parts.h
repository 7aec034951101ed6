/* parts.h: what an attack is made of. Private to the attack. */
#ifndef ESPALIER_ATTACK_PARTS_H
#define ESPALIER_ATTACK_PARTS_H

#include "attack/attack.h"
#include "attack/candidate_store.h"
#include "attack/masked_lm.h"
#include "attack/neighbours.h"
#include "attack/recipe.h"
#include "attack/similarity.h"
#include "attack/wordnet_synonyms.h"
#include "io/dictionary.h"
#include "text/tagger.h"

struct engine;

struct attack {
    attack_options o;
    recipe how;
    uint64_t seed; /* of random edits */
    const tokenizer *w;
    int max_length;
    neighbours *near;          /* NULL: the recipe wants none */
    neighbours *vectors;       /* of the similarity, NULL: near's own or none */
    wordnet_synonyms *wordnet; /* NULL: the recipe wants none */
    masked_lm *masked;         /* NULL: the recipe wants none */
    tagger *tagger;
    dictionary *stop;
    similarity *alike; /* NULL: no constraint */
    int alike_lent;    /* 1: it belongs to another attack */
    candidate_store *kept;
    float *thrown; // (n_thrown) gradients of the victim's parameters, see gradient.c
    size_t n_thrown;
    struct engine *engine;
};

#endif
