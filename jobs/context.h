/* context.h: one study on its way: configuration, folder, data and what the stages found so far.
 *
 * Stages are like the targets of a makefile: each first brings up to date what it builds on, then
 * does what the study's folder lacks. So `espalier soup study.yaml` after a kill, in a chain of
 * SLURM jobs, or in an empty folder all do the right thing, and there is no separate resume mode.
 */
#ifndef ESPALIER_JOBS_CONTEXT_H
#define ESPALIER_JOBS_CONTEXT_H

#include "averages.h"

#include "attack/attack.h"
#include "attack/transfer.h"
#include "config/study.h"
#include "io/lock.h"
#include "io/manifest.h"
#include "prune/prune.h"
#include "sweep/sweep.h"
#include "text/dataset.h"

enum { PATH_BYTES = 4096, TABLE_MODELS = 256 };

/* A model attacked by one of the further recipes. */
typedef struct further_attack {
    const char *recipe;
    attack_counts counts;
    attack_result *results; /* (attacked.n) */
} further_attack;

/* A model of the final table. */
typedef struct table_model {
    char name[64], title[96];
    char kind[16], method[48]; /* single, average, pruned; "", uniform, greedy, adaptive, … */
    char chosen[160];
    char role[32]; /* the same in every repetition over seeds */
    double sparsity;
    int pretrained;
    int64_t weights;  /* prunable weights kept */
    char sha256[65];  /* of its weights */
    const char *twin; /* first model of the table with the same weights, or itself: their
                         attacks are the same, under that name in the journal */
    attack_counts counts;
    attack_result *results;  /* (attacked.n) */
    further_attack *further; /* (n_further), as many as attack.recipes */
    int n_further;
} table_model;

typedef struct pruned_model {
    char name[64], method[48], pattern[16]; /* "N:M"; "": none */
    char amount[24];                        /* "50 %" or the pattern */
    double sparsity;
    int calibration; /* sentences; 0: as the study says */
    int n;
    prune_layer *layers; /* (n) */
    int recorded;        /* 1: layers are those of the journal */
} pruned_model;

typedef struct context {
    const par *p;
    study *s;
    char dir[PATH_BYTES], journal[PATH_BYTES], models[PATH_BYTES];
    char root[PATH_BYTES]; /* of the data */
    lock *lock;            /* rank 0 */
    manifest *manifest;    /* rank 0 */
    unsigned done;         /* bit per stage carried out in this run */
    int repeated;          /* one of several seeds: their common report is printed instead */

    /* prepare */
    char vocab[PATH_BYTES];
    tokenizer *w;
    dataset train, heldout, test; /* texts, on every rank */
    dataset probe, attacked;      /* seeded parts of heldout and test that are attacked */
    examples xtrain, xheldout, xtest;

    /* pretrain */
    char start[PATH_BYTES]; /* what every variant starts from */
    encoder *start_model;
    pretrain_result pretraining;
    int pretrained; /* the start knows language: a checkpoint or pre-training */

    /* finetune, soup */
    sweep_result *sweep; /* (n_variants) */
    sweep_usage usage;   /* where the ranks' time went in this run */
    averages soup;
    int best;       /* variant with the highest score */
    attack *attack; /* opened when first needed */

    /* prune, attack */
    pruned_model *pruned;
    int n_pruned;
    table_model table[TABLE_MODELS];
    int n_table;
    char **drift; /* (n_drift) records of drift.h: the dense model's, then the pruned ones' */
    int n_drift;
    transfer_counts *transfer; /* (n_table tried on, n_table made on), NULL without it */

    double seconds[8]; /* of each stage, without what it builds on */
} context;

typedef enum stage { PREPARE, PRETRAIN, FINETUNE, SOUP, PRUNE, ATTACK, REPORT } stage;

/* Open and lock the study's folder, write its effective configuration or check that it is the one
 * that is there. Takes *s over. Collective. */
err context_open(const par *p, study **s, context **out);
void context_close(context **c);

/* Parse `[--set section.option=value]… [--seed K] STUDY`, open the study, carry out one stage with
 * all it builds on, close. A study with seeds: each repetition in turn, then their common report if
 * the stage was the last. Collective. */
typedef err (*stage_fn)(context *c);
err context_job(const par *p, int argc, char **argv, const char *doc, stage_fn fn);

/* Once a run: what the stage builds on (NULL: nothing), then the stage itself, timed. Collective.
 */
err context_stage(context *c, stage s, stage_fn before, stage_fn own);
/* Seed of splits, samples and the synthetic language. */
uint64_t context_data_seed(const context *c);
/* Where a path of the study points: as it is if it exists, else below the data's root. */
err context_resolve(const context *c, const char *option, const char *path, char out[PATH_BYTES]);
/* Run fn on rank 0 and agree on its error. Collective. */
err context_on_root(context *c, err (*fn)(context *c, void *arg), void *arg);
/* dir/models/NAME is in the manifest: known on every rank. Collective. */
err context_has_model(context *c, const char *name, int *has);
/* Save m as models/NAME and list it. Collective; written by rank 0. */
err context_save_model(context *c, const char *name, const encoder *m, const char *made_by,
                       const char *made_from);
/* Remove a checkpoint whose result is published. Collective. */
err context_drop(context *c, const char *path);
/* models/NAME; the caller destroys, after an error too. Not collective. */
err context_load_model(const context *c, const char *name, encoder **out);
/* The same for inference alone (encoder_thin): its weights may not change. */
err context_load_victim(const context *c, const char *name, encoder **out);
/* m computes as model.precision says. ERR_USAGE: this CPU does not. Not collective. */
err context_set_precision(const context *c, encoder *m);
/* The attack of this study, opened once. */
err context_attack(context *c, attack **out);
/* The same by another recipe with its own thresholds, NULL: the study's; the caller closes. */
err context_attack_by(const context *c, const char *recipe, attack **out);
/* Read the files that the attack's recipes name, before anything is trained: a wrong one is refused
 * now and not hours later. Nothing to do where the study has made something already. Collective. */
err context_check_attack(context *c);
/* The same of prune.grid, which may want more ranks than a group of prune.ranks_per_model has.
 * Collective. */
err context_check_grid(context *c);

/* SHA-256 of the weights that variants start from, on rank 0. */
err inputs_ancestor(const context *c, char sha256[65]);
/* rank 0, for prepare: the data's root, the vocabulary's path, and that both are what they were */
err inputs_locate(context *c);
err inputs_vocabulary(context *c);
err inputs_check(context *c, const dataset *all, const dataset *test);

/* For pretrain: the unlabelled texts on every rank (collective), and the encoder before training.
 */
err start_corpus(context *c, dataset *out);
err start_encoder(context *c, int mlm, encoder **out);
/* Its shape without its weights. */
err start_shape(const context *c, int mlm, encoder_config *out);

err stage_prepare(context *c);
err stage_pretrain(context *c);
err stage_finetune(context *c);
err stage_soup(context *c);
err stage_prune(context *c);
err stage_attack(context *c);
err stage_report(context *c);

#endif
