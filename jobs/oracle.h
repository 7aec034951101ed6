/* oracle.h: comparisons of this build with vectors that other implementations made. Each prints its
 * figures on rank 0 and returns ERR_FAILED when one is outside its tolerance. Called on every rank.
 */
#ifndef ESPALIER_JOBS_ORACLE_H
#define ESPALIER_JOBS_ORACLE_H

#include "par/par.h"

/* dir: config.json, model.safetensors, vectors.safetensors (hidden states, losses, gradients,
 * AdamW). */
err oracle_encoder(const par *p, const char *dir);
/* file: one layer's Hessian, target and pruned weights. */
err oracle_prune(const par *p, const char *file);
/* file: text, a tab, token ids. */
err oracle_tokenizer(const par *p, const char *vocab, const char *file);
/* shared_dir: holds oracle/, models/ and data/ with a recorded TextFooler run. */
err oracle_attack(const par *p, const char *shared_dir);
/* file: word, Penn tag, universal tag; weights: an averaged perceptron. */
err oracle_tags(const par *p, const char *weights, const char *file);

#endif
