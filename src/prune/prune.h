/* prune.h: layer-by-layer pruning without retraining (arXiv 2310.13191, Algorithm 1; exact OBS:
 * arXiv 2208.11580). See obs.h for one layer, hessian.h for its sums. */
#ifndef ESPALIER_PRUNE_PRUNE_H
#define ESPALIER_PRUNE_PRUNE_H

#include "config/study.h"
#include "model/encoder.h"
#include "par/par.h"
#include "text/dataset.h"

enum { PRUNE_NAME_BYTES = 64 };

typedef struct prune_layer {
    int layer;       /* block; L for the refitted head */
    char linear[16]; /* "query", …, "pooler", "classifier" */
    int out, in;
    int64_t removed;        /* weights */
    int64_t swapped;        /* 1-swaps that the mask took */
    double damping;         /* ridge actually used / mean diagonal */
    int retries;            /* factorisations that failed before */
    double condition;       /* of H with its damping in the 1-norm (linalg.h), NaN: not needed */
    double residual;        /* of its inverse (linalg.h), NaN: none was made */
    double error;           /* ||Y - W X^ - change of bias||_F^2 / ||Y||_F^2 after pruning, on the
                               calibration tokens; Y: the dense model's output without bias */
    char factorisation[16]; /* "local", "distributed", "none" */
} prune_layer;

typedef struct prune_job {
    const par *p;
    const encoder *dense;
    const examples *calibration; /* whole, on every rank */
    const char *method;          /* config/method.h */
    double sparsity;             /* of all prunable weights; without a pattern */
    const char *pattern;         /* "N:M", NULL: none */
    double trace;                /* OBS on the dense model alone (obc, @none; uniform shares) cuts
                                    its rows from one run to this sparsity, so that several take
                                    one: the largest of the study's; 0: its own */
    uint64_t seed;               /* of random masks */
    const prune_options *o;
    const char *allocation_file; /* o->allocation_file as it can be opened */
    const char *checkpoint;      /* file for finished blocks (atomic, resumed from), NULL: none */
    const char *title;           /* for progress; NULL: "prune" */
} prune_job;

/* The pruned model on every rank and one row for every linear in execution order: layers (6 L + 2;
 * *n set), the last two for pooler and classifier where the method re-fits them (way.h), staying
 * near the dense weights. OBS, Wanda and random remove floor(share * inputs) weights from every
 * row, the others share * weights from every linear; the share is the sparsity, or what the
 * allocation gives the linear (shares.h). Same bytes for any number of ranks, as long as the
 * factorisation is local (linalg.h). The checkpoint stays: the caller removes it once the model is
 * saved. ERR_USAGE: unknown method, sparsity outside [0, 1), a pattern that does not divide a
 * width, a grid of more ranks than there are; ERR_FAILED: sums that are not finite; ERR_DATA: a
 * checkpoint of something else, an allocation file that does not fit; ERR_STOPPED between blocks
 * when asked. The caller destroys *out. Collective. */
err prune_model(const prune_job *j, prune_layer *layers, int *n, encoder **out);

/* The same for n jobs j (n) with ranks, dense model, sentences and options in common, in one pass
 * over the blocks: layers (n) of (6 L + 2), rows (n), out (n). What each comes to is what it would
 * be alone, checkpoints included, which need not be at the same block. The dense model's states,
 * outputs and sums are made once. Behind the first stage an adaptive method sees inputs that its
 * own prefix made: every sparsity is a pruning of its own there. Each model takes its parameters,
 * states (calibration.h) and one stage's sums of memory. Collective. */
err prune_models(const prune_job *j, int n, prune_layer *const *layers, int *rows, encoder **out);

/* Bytes that a rank holds at most while n models of this shape go together over so many ranks. */
typedef struct prune_need {
    double parameters; /* of the dense model and all others */
    double states;     /* hidden states of the rank's sentences, taken to be of full length */
    double sums;       /* of one stage, its factors and rows, or a chunk's products */
} prune_need;
prune_need prune_memory(const encoder_config *c, const prune_options *o, int n, int ranks);

/* How to factor, as linalg.h takes it, from two options. Not collective. */
void prune_factorisation(const prune_options *o, char how[64]);

/* Share of zeros among the prunable weights. Not collective. */
double prune_sparsity(const encoder *m, int64_t *zeros, int64_t *total);

#endif
