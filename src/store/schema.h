/* schema.h: the one table of what study.h5 holds. One line a column:
 *
 *     X(type, name, width, unit, help)
 *
 * and one line a table: T(table, row, COLUMNS, title), stored at "/table", one `store_row` in
 * memory for a row. These lines make the row structs, the HDF5 types, the attributes (title, unit,
 * help) and the check on reading. Types: integer (int64_t), real (double), text (UTF-8 of at most
 * width - 1 bytes, padded with NUL to width), and, where rows are many, int32, int16 and int8;
 * widths and order are such that rows have no holes. A
 * share is a fraction from 0 to 1, a flag is 0 or 1, and a real that was not measured is NaN. */
#ifndef ESPALIER_STORE_SCHEMA_H
#define ESPALIER_STORE_SCHEMA_H

/* clang-format off */
#define STORE_OPTION_COLUMNS(X)                                                                                            \
    X(text,    section,      32,  "",          "section of the study file; study: its top level")                         \
    X(text,    name,         32,  "",          "option")                                                                  \
    X(text,    value,        512, "",          "value in force, defaults filled in")                                      \
    X(text,    unit,         16,  "",          "unit of the value")                                                       \
    X(text,    help,         160, "",          "what the option means")

#define STORE_DATASET_COLUMNS(X)                                                                                           \
    X(text,    name,         32,  "",          "data set")                                                                \
    X(text,    split,        16,  "",          "part: train, heldout, test, corpus")                                      \
    X(integer, rows,         8,   "examples",  "examples in this part")                                                   \
    X(integer, classes,      8,   "classes",   "labels that occur; 0: unlabelled text")                                   \
    X(integer, bytes,        8,   "bytes",     "size of the file it was read from; 0: generated")                         \
    X(text,    sha256,       72,  "",          "SHA-256 of the text as used, in hexadecimal")                             \
    X(integer, tokens,       8,   "tokens",    "WordPiece tokens, [CLS] and [SEP] included")                              \
    X(integer, cut,          8,   "examples",  "examples longer than the maximum length, cut there")

#define STORE_PRETRAINING_COLUMNS(X)                                                                                       \
    X(integer, steps,        8,   "steps",     "optimiser steps taken")                                                   \
    X(integer, tokens,       8,   "tokens",    "tokens seen, over all epochs")                                            \
    X(real,    heldout_first, 8,  "nat/token", "masked-language loss on held-out text before the first step")             \
    X(real,    heldout_last, 8,   "nat/token", "masked-language loss on held-out text after the last step")               \
    X(integer, diverged,     8,   "flag",      "1: the loss became infinite or NaN")

#define STORE_VARIANT_COLUMNS(X)                                                                                           \
    X(text,    name,         64,  "",          "variant of the sweep")                                                    \
    X(text,    init,         16,  "",          "pretrained or random start")                                              \
    X(real,    learning_rate, 8,  "",          "peak step size")                                                          \
    X(integer, epochs,       8,   "epochs",    "passes over the training part")                                           \
    X(integer, batch,        8,   "sequences", "sequences a step")                                                        \
    X(real,    weight_decay, 8,   "",          "decoupled decay (AdamW)")                                                 \
    X(real,    warmup,       8,   "fraction",  "share of the steps in which the step size rises")                         \
    X(real,    clip,         8,   "",          "largest gradient norm; 0: no clipping")                                   \
    X(real,    dropout,      8,   "fraction",  "hidden and attention dropout")                                            \
    X(integer, seed,         8,   "",          "of order and dropout")                                        \
    X(text,    status,       16,  "",          "done, diverged or given up")                                              \
    X(integer, steps,        8,   "steps",     "optimiser steps taken")                                                   \
    X(integer, tokens,       8,   "tokens",    "tokens seen, over all epochs")                                            \
    X(real,    first_loss,   8,   "nat",       "mean training loss over the first epoch's beginning")                     \
    X(real,    last_loss,    8,   "nat",       "mean training loss over the last epoch's end")                            \
    X(integer, heldout_n,    8,   "examples",  "held-out examples for accuracy")                                          \
    X(integer, heldout_correct, 8, "examples", "of these right")                                                          \
    X(integer, robust_n,     8,   "examples",  "held-out examples attacked")                                              \
    X(integer, robust_count, 8,   "examples",  "of these still right after the attack")                                   \
    X(integer, in_uniform,   8,   "flag",      "1: part of the uniform average")                                          \
    X(integer, in_greedy,    8,   "flag",      "1: part of the greedy average")                                           \
    X(integer, best,         8,   "flag",      "1: best single variant by the study's score")                             \
    X(real,    score,        8,   "fraction",  "held-out score that variants and averages are chosen by")                 \
    X(real,    score_error,  8,   "fraction",  "its standard error")                                                      \
    X(real,    learned,      8,   "fraction",  "weight in the learned average; NaN: not part of one")

#define STORE_SOUP_COLUMNS(X)                                                                                              \
    X(integer, step,         8,   "",          "order in which the variant was tried; 0: the start")                      \
    X(text,    variant,      64,  "",          "variant that was tried")                                                  \
    X(text,    candidate,    64,  "",          "the average with it, under its name in the journal")                      \
    X(integer, accepted,     8,   "flag",      "1: the average with it was kept")                                         \
    X(integer, tie,          8,   "flag",      "1: the difference is within its standard error")                          \
    X(real,    before,       8,   "fraction",  "score of the average without it")                                         \
    X(real,    after,        8,   "fraction",  "score of the average with it")                                            \
    X(real,    error,        8,   "fraction",  "standard error of after")                                                 \
    X(real,    low,          8,   "fraction",  "95 % interval of after: Wilson's, of a weighted score 1.96 standard errors") \
    X(real,    high,         8,   "fraction",  "95 % interval of after")                                                  \
    X(real,    difference,   8,   "fraction",  "after - before; NaN for the start")                                       \
    X(real,    difference_error, 8, "fraction", "its standard error, paired by example; NaN for the start")                \
    X(integer, gained,       8,   "examples",  "right with it and not without it (under attack, unless the score is accuracy)") \
    X(integer, lost,         8,   "examples",  "right without it and not with it")                                        \
    X(real,    p,            8,   "",          "McNemar's exact two-sided test of gained against lost; NaN: weighted score, or the start") \
    X(integer, correct,      8,   "examples",  "held-out examples right")                                                 \
    X(integer, n,            8,   "examples",  "held-out examples")                                                       \
    X(integer, robust,       8,   "examples",  "of the attacked held-out examples right after the attack")                \
    X(integer, attacked,     8,   "examples",  "held-out examples attacked")                                              \
    X(real,    behind,       8,   "",          "standard errors of its accuracy below the most accurate variant's")       \
    X(text,    reason,       160, "",          "why it was kept or left out")

#define STORE_LEARNED_COLUMNS(X)                                                                                           \
    X(integer, step,         8,   "",          "step; 0: the uniform average")                                            \
    X(real,    loss,         8,   "nat",       "mean held-out loss before the step")                                      \
    X(text,    variant,      64,  "",          "variant")                                                                 \
    X(real,    share,        8,   "fraction",  "its weight in the average")                                               \
    X(integer, chosen,       8,   "flag",      "1: the step of the lowest loss, whose average is models/learned")

#define STORE_LINE_COLUMNS(X)                                                                                              \
    X(text,    first,        64,  "",          "variant at 0")                                                            \
    X(text,    second,       64,  "",          "variant at 1")                                                            \
    X(real,    alpha,        8,   "fraction",  "share of the second one's weights")                                       \
    X(real,    loss,         8,   "nat",       "mean held-out loss; infinite where it is not finite")                     \
    X(integer, correct,      8,   "examples",  "held-out examples right")                                                 \
    X(integer, n,            8,   "examples",  "held-out examples")

#define STORE_BARRIER_COLUMNS(X)                                                                                           \
    X(text,    first,        64,  "",          "variant")                                                                 \
    X(text,    second,       64,  "",          "another one")                                                             \
    X(real,    height,       8,   "nat",       "highest rise of the loss on the line over the chord between their losses") \
    X(real,    alpha,        8,   "fraction",  "where it is; 0: nowhere")                                                 \
    X(integer, points,       8,   "",          "points tried inside the line")                                            \
    X(real,    loss_first,   8,   "nat",       "held-out loss of the first")                                              \
    X(real,    loss_second,  8,   "nat",       "held-out loss of the second")                                             \
    X(integer, fewest,       8,   "examples",  "held-out examples right at the worst point inside the line")              \
    X(integer, n,            8,   "examples",  "held-out examples")

#define STORE_LAYER_COLUMNS(X)                                                                                             \
    X(text,    model,        64,  "",          "pruned model")                                                            \
    X(integer, layer,        8,   "",          "block, from 0; number of blocks: the head")                               \
    X(text,    linear,       16,  "",          "linear layer of the block")                                               \
    X(integer, outputs,      8,   "",          "rows of the weight")                                                      \
    X(integer, inputs,       8,   "",          "columns of the weight")                                                   \
    X(integer, removed,      8,   "weights",   "weights set to zero")                                                     \
    X(integer, swapped,      8,   "",          "exchanges of kept and removed weights that improved the mask")            \
    X(real,    damping,      8,   "",          "ridge in force, times the mean of H's diagonal")                          \
    X(integer, retries,      8,   "",          "factorisations that failed before, each with a tenth of the next damping") \
    X(real,    condition,    8,   "",          "estimated condition number of H, 1-norm")                                 \
    X(real,    residual,     8,   "",          "largest element of H H^-1 - I over up to 256 rows; NaN: no inverse was made") \
    X(real,    error,        8,   "fraction",  "|Y - W X^|^2 / |Y|^2 on the calibration tokens, Y from the dense model")  \
    X(text,    factorisation, 16, "",          "local, distributed or none")

#define STORE_DRIFT_COLUMNS(X)                                                                                             \
    X(text,    model,        64,  "",          "pruned model")                                                            \
    X(text,    texts,        16,  "",          "clean: attacked texts as they are; attacked: as the attack on the dense model left them") \
    X(integer, layer,        8,   "",          "0: embeddings; l: output of block l - 1")                                 \
    X(integer, n,            8,   "texts",     "of this kind")                                                            \
    X(real,    distance,     8,   "",          "mean |h - h'| of the [CLS] vectors, h of the dense model")                \
    X(real,    relative,     8,   "",          "mean |h - h'| / |h|")                                                     \
    X(real,    cosine,       8,   "",          "mean cosine of h and h'")                                                 \
    X(real,    attention,    8,   "fraction",  "mean total variation between what the block's tokens attend to; NaN: embeddings")

#define STORE_MAP_COLUMNS(X)                                                                                               \
    X(text,    model,        64,  "",          "pruned model, or greedy: the dense one")                                  \
    X(integer, text,         8,   "",          "of /drift's clean texts")                                                 \
    X(integer, layer,        8,   "",          "block, from 0")                                                           \
    X(integer, query,        8,   "",          "token that attends")                                                      \
    X(integer, key,          8,   "",          "token that is attended to")                                               \
    X(real,    weight,       8,   "fraction",  "mean over the block's heads")

#define STORE_CURVE_COLUMNS(X)                                                                                             \
    X(text,    axis,         16,  "",          "sparsity or calibration (sentences)")                                     \
    X(text,    method,       48,  "",          "of pruning")                                                              \
    X(text,    model,        64,  "",          "pruned model")                                                            \
    X(real,    at,           8,   "",          "where on the axis")                                                       \
    X(integer, n,            8,   "examples",  "attacked")                                                                \
    X(real,    acc,          8,   "fraction",  "correct / n")                                                             \
    X(real,    aua,          8,   "fraction",  "failed / n")                                                              \
    X(real,    asr,          8,   "fraction",  "success / (success + failed)")                                            \
    X(real,    error,        8,   "fraction",  "mean over pruned linears of |Y - W X^|^2 / |Y|^2")

#define STORE_ATTACK_COLUMNS(X)                                                                                            \
    X(text,    model,        64,  "",          "model attacked")                                                          \
    X(text,    recipe,       24,  "",          "by which recipe")                                                         \
    X(integer, row,          8,   "",          "example: position among those attacked, from 0")                           \
    X(integer, label,        8,   "",          "true class")                                                              \
    X(text,    outcome,      8,   "",          "success, failed, skipped (wrong before) or errored")                      \
    X(integer, queries,      8,   "queries",   "texts that the model was asked about")                                    \
    X(integer, words,        8,   "words",     "words of the text")                                                       \
    X(integer, changed,      8,   "words",     "words replaced in the last text")                                         \
    X(real,    prob,         8,   "fraction",  "probability of the true class before")                                    \
    X(real,    final_prob,   8,   "fraction",  "probability of the true class for the last text")                         \
    X(real,    similarity,   8,   "fraction",  "lowest accepted window similarity, 1 - arccos(cos)/pi; NaN: not tested")   \
    X(integer, text,         8,   "",          "its text: in /texts")                                                     \
    X(integer, final,        8,   "",          "the last text; of an errored example the message: in /texts")             \
    X(integer, first_query,  8,   "",          "row of /queries where its queries begin")                                 \
    X(integer, recorded,     8,   "queries",   "rows of /queries that are its; 0: attack.trace is off, or errored")       \
    X(integer, first_change, 8,   "",          "row of /changes where its changed words begin, as many as `changed`")

#define STORE_QUERY_COLUMNS(X)                                                                                             \
    X(integer, text,         8,   "",          "the text asked about: first 8 bytes of its SHA-256, as in /texts")        \
    X(real,    prob,         8,   "fraction",  "probability of the true class")                                           \
    X(real,    similarity,   8,   "",          "to the text that the search was at, by the recipe's measure; NaN: not tested") \
    X(int32,   word,         4,   "",          "word of the original that differs from that text; -1: the original itself") \
    X(int16,   step,         2,   "",          "0: original, 1: ranking, 2 and above: the word tried; 32767: that or later") \
    X(int8,    predicted,    1,   "",          "class answered")                                                          \
    X(int8,    taken,        1,   "flag",      "1: the search went on from this text")

#define STORE_CHANGE_COLUMNS(X)                                                                                            \
    X(int32,   attack,       4,   "",          "row of /attacks")                                                         \
    X(int32,   word,         4,   "",          "word of the original, from 0")                                            \
    X(text,    before,       48,  "",          "the word")                                                                \
    X(text,    after,        48,  "",          "what stands in its place")

#define STORE_TEXT_COLUMNS(X)                                                                                              \
    X(integer, text,         8,   "",          "first 8 bytes of the text's SHA-256")                                     \
    X(integer, piece,        8,   "",          "from 0: the pieces in order are the text")                                \
    X(text,    value,        240, "",          "a piece, cut between characters")

#define STORE_TRANSFER_COLUMNS(X)                                                                                          \
    X(text,    made_on,      64,  "",          "model that the adversarial texts were made on")                           \
    X(text,    tried_on,     64,  "",          "model that they were tried on")                                           \
    X(integer, made,         8,   "examples",  "successes on the first")                                                  \
    X(integer, right,        8,   "examples",  "of their originals, those that the second gets right")                    \
    X(integer, fooled,       8,   "examples",  "of these, those that it gets wrong as changed")

#define STORE_MODEL_COLUMNS(X)                                                                                             \
    X(text,    name,         64,  "",          "model; its folder is models/NAME")                                        \
    X(text,    title,        96,  "",          "name in the tables")                                                      \
    X(text,    kind,         16,  "",          "single, average or pruned")                                               \
    X(text,    method,       48,  "",          "of averaging or pruning")                                                 \
    X(real,    sparsity,     8,   "fraction",  "share of the prunable weights that is zero")                              \
    X(integer, pretrained,   8,   "flag",      "1: started from pretrained weights")                                      \
    X(integer, weights,      8,   "weights",   "prunable weights kept: the six linear layers of each block")              \
    X(integer, n,            8,   "examples",  "examples of the reported set that were attacked")                         \
    X(integer, correct,      8,   "examples",  "right before the attack")                                                 \
    X(integer, success,      8,   "examples",  "right before, wrong after the attack")                                    \
    X(integer, failed,       8,   "examples",  "right before and after the attack")                                       \
    X(integer, errored,      8,   "examples",  "right before; the attack could not be carried out")                       \
    X(integer, queries,      8,   "queries",   "over all examples that were not skipped")                                 \
    X(integer, changed,      8,   "words",     "words replaced, over the successes")                                      \
    X(integer, words,        8,   "words",     "words of the texts, over the successes")                                  \
    X(real,    shares,       8,   "examples",  "sum over the successes of each one's share of words replaced")           \
    X(real,    similarity,   8,   "examples",  "sum over the tested successes of their lowest accepted similarity")       \
    X(integer, tested,       8,   "examples",  "successes in which a similarity was tested")                              \
    X(text,    chosen,       160, "",          "how the model was chosen, and on which examples")                         \
    X(real,    acc,          8,   "fraction",  "accuracy: correct / n")                                                   \
    X(real,    acc_low,      8,   "fraction",  "Wilson 95 % interval of acc")                                             \
    X(real,    acc_high,     8,   "fraction",  "Wilson 95 % interval of acc")                                             \
    X(real,    aua,          8,   "fraction",  "accuracy under attack: failed / n")                                       \
    X(real,    aua_low,      8,   "fraction",  "Wilson 95 % interval of aua")                                             \
    X(real,    aua_high,     8,   "fraction",  "Wilson 95 % interval of aua")                                             \
    X(real,    asr,          8,   "fraction",  "attack success rate: success / (success + failed)")                       \
    X(real,    asr_low,      8,   "fraction",  "Wilson 95 % interval of asr")                                             \
    X(real,    asr_high,     8,   "fraction",  "Wilson 95 % interval of asr")                                             \
    X(text,    role,         32,  "",          "part it plays in the table: best single, greedy average, pruned, …")      \
    X(integer, seed,         8,   "",          "seed of the study")

#define STORE_RECIPE_COLUMNS(X)                                                                                            \
    X(text,    model,        64,  "",          "model of the table")                                                      \
    X(text,    title,        96,  "",          "its name in the tables")                                                  \
    X(text,    recipe,       24,  "",          "recipe of the attack")                                                    \
    X(integer, n,            8,   "examples",  "examples attacked")                                                       \
    X(integer, correct,      8,   "examples",  "right before the attack")                                                 \
    X(integer, success,      8,   "examples",  "right before, wrong after the attack")                                    \
    X(integer, failed,       8,   "examples",  "right before and after the attack")                                       \
    X(integer, errored,      8,   "examples",  "right before; the attack could not be carried out")                       \
    X(integer, queries,      8,   "queries",   "over all examples that were not skipped")                                 \
    X(integer, changed,      8,   "words",     "words replaced, over the successes")                                      \
    X(integer, words,        8,   "words",     "words of the texts, over the successes")                                  \
    X(real,    shares,       8,   "examples",  "sum over the successes of each one's share of words replaced")           \
    X(real,    similarity,   8,   "examples",  "sum over the tested successes of their lowest accepted similarity")       \
    X(integer, tested,       8,   "examples",  "successes in which a similarity was tested")

#define STORE_COMPARISON_COLUMNS(X)                                                                                        \
    X(text,    model,        64,  "",          "model of the table")                                                      \
    X(text,    title,        96,  "",          "its name in the tables")                                                  \
    X(text,    against,      64,  "",          "the best single variant")                                                 \
    X(text,    measure,      8,   "",          "acc or aua")                                                              \
    X(real,    difference,   8,   "fraction",  "of the two on the same reported examples")                                \
    X(real,    error,        8,   "fraction",  "its standard error, paired by example")                                   \
    X(real,    low,          8,   "fraction",  "95 % interval of the difference: 1.96 standard errors")                   \
    X(real,    high,         8,   "fraction",  "95 % interval of the difference")                                         \
    X(integer, gained,       8,   "examples",  "that the model gets right and the best single does not")                  \
    X(integer, lost,         8,   "examples",  "the reverse")                                                             \
    X(real,    p,            8,   "",          "McNemar's exact two-sided test of gained against lost")                   \
    X(integer, n,            8,   "examples",  "reported examples")                                                       \
    X(integer, tie,          8,   "flag",      "1: the difference is within its standard error")

#define STORE_SEED_COLUMNS(X)                                                                                              \
    X(text,    model,        96,  "",          "row of the table")                                                        \
    X(real,    sparsity,     8,   "fraction",  "share of the prunable weights that is zero")                              \
    X(integer, weights,      8,   "weights",   "prunable weights kept")                                                   \
    X(text,    measure,      16,  "",          "acc, aua, asr, queries (an attacked example) or changed (words)")         \
    X(text,    unit,         16,  "",          "unit of the measure")                                                     \
    X(integer, seeds,        8,   "",          "repetitions that have the measure")                                       \
    X(real,    mean,         8,   "",          "mean over the seeds")                                                     \
    X(real,    sd,           8,   "",          "standard deviation over the seeds, n - 1; NaN for one seed")              \
    X(real,    lowest,       8,   "",          "lowest of the seeds")                                                     \
    X(real,    highest,      8,   "",          "highest of the seeds")

#define STORE_TIMING_COLUMNS(X)                                                                                            \
    X(text,    stage,        32,  "",          "stage of the study")                                                      \
    X(text,    unit,         64,  "",          "variant, model or other part of the stage; empty: all of it")             \
    X(integer, rank,         8,   "",          "rank that did it; -1: all together")                                      \
    X(real,    seconds,      8,   "s",         "wall time")                                                               \
    X(real,    rate,         8,   "1/s",       "units of the stage's work a second")

#define STORE_PROVENANCE_COLUMNS(X)                                                                                        \
    X(text,    key,          32,  "",          "what is described")                                                       \
    X(text,    value,        512, "",          "its version, name or number")

/* table and member of store_content, row type store_ROW, columns, title */
#define STORE_TABLES(T)                                                                                                    \
    T(options,     option,      STORE_OPTION_COLUMNS,      "effective configuration of the study")                        \
    T(datasets,    dataset,     STORE_DATASET_COLUMNS,     "data as used")                                                \
    T(pretraining, pretraining, STORE_PRETRAINING_COLUMNS, "masked-language pre-training")                                \
    T(variants,    variant,     STORE_VARIANT_COLUMNS,     "fine-tuned variants of the sweep")                            \
    T(soup,        soup,        STORE_SOUP_COLUMNS,        "decisions of the greedy average, in order")                   \
    T(learned,     learned,     STORE_LEARNED_COLUMNS,     "weights of the learned average, step by step")                \
    T(barriers,    barrier,     STORE_BARRIER_COLUMNS,     "loss barriers between variants")                              \
    T(lines,       line,        STORE_LINE_COLUMNS,        "held-out loss on the lines between variants")                 \
    T(layers,      layer,       STORE_LAYER_COLUMNS,       "linear layers of the pruned models, in order")                \
    T(drift,       drift,       STORE_DRIFT_COLUMNS,       "[CLS] vectors and attention of the pruned models against the dense one's") \
    T(maps,        map,         STORE_MAP_COLUMNS,         "attention maps of the first texts")                           \
    T(curves,      curve,       STORE_CURVE_COLUMNS,       "pruned models along sparsity and size of calibration")        \
    T(attacks,     attack,      STORE_ATTACK_COLUMNS,      "every attacked example of every model by every recipe")                     \
    T(queries,     query,       STORE_QUERY_COLUMNS,       "every text that a model was asked about, example by example")  \
    T(changes,     change,      STORE_CHANGE_COLUMNS,      "words changed in the last texts, in the order of changing")   \
    T(texts,       passage,     STORE_TEXT_COLUMNS,        "texts attacked and what became of them")                      \
    T(transfer,    transfer,    STORE_TRANSFER_COLUMNS,    "adversarial texts made on each model, tried on every model")  \
    T(models,      model,       STORE_MODEL_COLUMNS,       "models of the table: counts, shares and intervals")           \
    T(recipes,     recipe,      STORE_RECIPE_COLUMNS,      "models of the table by every recipe: counts")                \
    T(comparisons, comparison,  STORE_COMPARISON_COLUMNS,  "models of the table against the best single variant")         \
    T(seeds,       seed,        STORE_SEED_COLUMNS,        "cells of the table over the seeds of a repeated study")       \
    T(timings,     timing,      STORE_TIMING_COLUMNS,      "wall times; differ from run to run")                          \
    T(provenance,  provenance,  STORE_PROVENANCE_COLUMNS,  "program, libraries and machine; differ from run to run")
/* clang-format on */

#endif
