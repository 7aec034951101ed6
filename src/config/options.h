/* options.h: the one table of a study's options. One line an option:
 *
 *     X(type, name, default, lowest, highest, unit, help)
 *
 * The line makes the struct field, the parser with its checks, `--help`, the effective
 * configuration and the attributes in the store. Types: integer (int64_t), real (double), flag
 * (int), text (char array; lowest = allowed words "a|b", NULL: anything), integers, reals and texts
 * (lists; default is the text that would stand in the file). */
#ifndef ESPALIER_CONFIG_OPTIONS_H
#define ESPALIER_CONFIG_OPTIONS_H

/* clang-format off */
#define STUDY_OPTIONS(X)                                                                                                   \
    X(text,    name,              "study", NULL, NULL, "",          "name of the study; its folder is results/NAME")      \
    X(text,    directory,         "",      NULL, NULL, "",          "folder of the study; empty: results/NAME")           \
    X(integer, seed,              1,       1, 4294967295, "",       "every random choice is a function of it")            \
    X(integers, seeds,            "[]",    1, 4294966, "",          "repeat the study once for each: mean and deviation of every cell; empty: once")

#define DATA_OPTIONS(X)                                                                                                    \
    X(text,    name,              "synthetic", "synthetic|sst2|imdb|agnews", NULL, "", "data set")                        \
    X(text,    root,              "",      NULL, NULL, "",          "folder that holds sst2/, imdb/, agnews/; empty: $ESPALIER_DATA") \
    X(integer, train_examples,    0,       0, 100000000, "examples", "seeded sample of the training set; 0: all")         \
    X(integer, heldout_examples,  1000,    1, 100000000, "examples", "part of the training set kept for every choice")    \
    X(integer, test_examples,     0,       0, 100000000, "examples", "seeded sample of the reported set; 0: all")         \
    X(integer, seed,              0,       0, 4294967295, "",       "of splits, samples and the synthetic language; 0: the study's seed") \
    X(integer, max_length,        128,     8, 8192, "tokens",       "sequences are cut to this, [CLS] and [SEP] included") \
    X(text,    vocabulary,        "",      NULL, NULL, "",          "vocab.txt (WordPiece) or vocab.json (byte-level BPE, merges.txt beside it); empty: the checkpoint's, or the synthetic one")

#define SYNTHETIC_OPTIONS(X)                                                                                               \
    X(integer, train,             3000,    10, 10000000, "sentences", "labelled training sentences, held-out part included") \
    X(integer, test,              400,     10, 10000000, "sentences", "labelled sentences that the table reports")        \
    X(integer, corpus,            20000,   10, 10000000, "sentences", "unlabelled sentences for pre-training")

#define MODEL_OPTIONS(X)                                                                                                   \
    X(text,    checkpoint,        "",      NULL, NULL, "",          "folder in Hugging Face layout to start from: BERT, DistilBERT or RoBERTa (model_type); empty: random start") \
    X(integer, layers,            2,       1, 96, "",               "blocks of a new encoder")                            \
    X(integer, hidden,            128,     4, 16384, "",            "width of a new encoder")                             \
    X(integer, heads,             2,       1, 256, "",              "attention heads of a new encoder; divides hidden")   \
    X(integer, feed_forward,      512,     4, 65536, "",            "feed-forward width of a new encoder")                \
    X(integer, positions,         128,     8, 8192, "tokens",       "longest sequence of a new encoder")                  \
    X(text,    precision,         "float32", "float32|bf16", NULL, "", "of the operands of the encoder's matrix products; bf16 needs a CPU that multiplies it") \
    X(text,    matrix_unit,       "auto",  "auto|off", NULL, "",    "float32 products on the CPU's matrix unit (AMX) where every rank has one: as exact, faster, other bits")

#define PRETRAIN_OPTIONS(X)                                                                                                \
    X(integer, epochs,            0,       0, 1000, "epochs",       "passes over the corpus; 0: no pre-training")         \
    X(text,    corpus,            "",      NULL, NULL, "",          "text file, one text a line; empty: the synthetic corpus, or imdb/unsup.txt") \
    X(integer, corpus_examples,   0,       0, 100000000, "texts",   "first texts of the corpus; 0: all")                  \
    X(integer, batch,             64,      1, 65536, "sequences",   "sequences a step, over all ranks")                   \
    X(integer, shards,            8,       1, 64, "",               "parts of a batch whose gradients are computed apart: as many ranks can share the work") \
    X(integer, max_length,        64,      8, 8192, "tokens",       "sequences are cut to this")                          \
    X(flag,    pack,              0,       0, 1, "",                "fill sequences up to max_length with one text after the other, a [SEP] between") \
    X(real,    learning_rate,     1e-3,    0.0, 1.0, "",            "peak step size")                                     \
    X(real,    warmup,            0.1,     0.0, 1.0, "fraction",    "share of the steps in which the step size rises")    \
    X(real,    weight_decay,      0.01,    0.0, 1.0, "",            "decoupled decay (AdamW); not on biases and LayerNorm") \
    X(real,    clip,              1.0,     0.0, 1e9, "",            "largest gradient norm; 0: no clipping")              \
    X(real,    dropout,           0.1,     0.0, 0.9, "fraction",    "hidden and attention dropout")                       \
    X(text,    embeddings,        "random", "random|cooccurrence", NULL, "", "start of new word embeddings: random, or from the corpus's co-occurrences")        \
    X(real,    mask,              0.15,    0.01, 0.9, "fraction",   "share of tokens that are predicted")

#define FINETUNE_OPTIONS(X)                                                                                                \
    X(text,    init,              "pretrained", "pretrained|random", NULL, "", "start from the study's checkpoint or from random weights (a contrast, never in the average)") \
    X(text,    optimiser,         "adamw", "adamw|adam|sgd", NULL, "", "adamw: decoupled decay; adam: decay in the gradient; sgd: with momentum") \
    X(real,    learning_rate,     2e-5,    0.0, 1000.0, "",         "peak step size of the optimiser")                    \
    X(text,    schedule,          "linear", "linear|cosine|constant", NULL, "", "how the step size falls after warm-up")  \
    X(integer, epochs,            3,       1, 1000, "epochs",       "passes over the training part")                      \
    X(integer, batch,             32,      1, 65536, "sequences",   "sequences a micro-batch")                            \
    X(integer, accumulate,        1,       1, 65536, "micro-batches", "whose mean gradient makes one step")               \
    X(integer, shards,            4,       1, 64, "",               "parts of a micro-batch whose gradients are computed apart: as many ranks can share a variant") \
    X(real,    warmup,            0.1,     0.0, 1.0, "fraction",    "share of the steps in which the step size rises")    \
    X(real,    weight_decay,      0.01,    0.0, 1.0, "",            "not on biases and LayerNorm")                        \
    X(real,    beta1,             0.9,     0.0, 0.999999, "",       "decay of the mean gradient (adamw, adam)")           \
    X(real,    beta2,             0.999,   0.0, 0.999999, "",       "decay of the mean square gradient (adamw, adam)")    \
    X(real,    epsilon,           1e-8,    0.0, 1.0, "",            "added to the root mean square (adamw, adam)")        \
    X(real,    momentum,          0.9,     0.0, 0.999999, "",       "of sgd")                                             \
    X(real,    layer_decay,       1.0,     0.01, 1.0, "",           "step size of a block over that of the one above; embeddings lowest, heads 1") \
    X(real,    clip,              1.0,     0.0, 1e9, "",            "largest gradient norm; 0: no clipping")              \
    X(real,    dropout,           0.1,     0.0, 0.9, "fraction",    "hidden and attention dropout")                       \
    X(real,    label_smoothing,   0.0,     0.0, 0.99, "fraction",   "share of each label that is spread evenly over all classes") \
    X(integer, adversarial_steps, 0,       0, 100, "passes",        "FreeLB: ascents on the word embeddings in each step; 0: none") \
    X(real,    adversarial_rate,  0.03,    0.0, 100.0, "",          "length of a token's ascent")                         \
    X(real,    adversarial_bound, 0.0,     0.0, 100.0, "",          "largest L2 norm of a token's perturbation; 0: no bound") \
    X(flag,    keep_mask,         0,       0, 1, "",                "prunable weights that are zero at the start stay zero: a pruned checkpoint stays pruned") \
    X(integer, early_stop,        0,       0, 1000, "evaluations",  "without a lower held-out loss before training ends with the best weights; 0: never") \
    X(integer, evaluate_every,    0,       0, 1000000000, "steps",  "between evaluations for early_stop; 0: an epoch")    \
    X(integer, seed,              0,       0, 4294967295, "",       "of order and dropout; 0: the study's seed") \
    X(integer, ranks_per_variant, 1,       1, 4096, "ranks",        "that train a variant together, where there are so many; the same bytes on any") \
    X(integer, checkpoint_every,  600,     0, 1000000, "seconds",   "of training between checkpoints of a variant; 0: only when asked to stop") \
    X(real,    give_up_margin,    0.0,     0.0, 1.0, "fraction",    "held-out accuracy, above the share of the commonest class, that a variant must have after its first epoch to go on; 0: all go on")

#define SOUP_OPTIONS(X)                                                                                                    \
    X(integer, examples,          100,     1, 100000000, "examples", "held-out examples attacked for every score")        \
    X(text,    score,             "aua",   "aua|accuracy|weighted", NULL, "", "what variants and averages are chosen by, on held-out examples") \
    X(real,    weight,            0.5,     0.0, 1.0, "fraction",    "of a weighted score: weight * Aua + (1 - weight) * Acc") \
    X(text,    rule,              "not-lower", "not-lower|higher", NULL, "", "accept when the score does not fall (arXiv 2310.13191) or rises (2203.05482)") \
    X(real,    guard,             3.0,     0.0, 1000.0, "standard errors", "never accept what is less accurate than the best variant by more; 0: no guard") \
    X(integer, learned_steps,     0,       0, 100000, "steps",      "of learning an average's weights on held-out loss; 0: no learned average") \
    X(real,    learned_rate,      0.1,     0.0, 100.0, "",          "step size of that (Adam, on the weights' logarithms)") \
    X(integer, barrier_points,    0,       0, 1000, "points",       "inside the line between each two variants, for their loss barrier; 0: none")

#define PRUNE_OPTIONS(X)                                                                                                   \
    X(texts,   methods,           "[adaptive, magnitude]", NULL, NULL, "", "adaptive, obc, sparsegpt, wanda, magnitude, magnitude-global or random; then @none, @hessian, @target or @both; then +refit, +swaps") \
    X(reals,   sparsity,          "[0.5]", 0.0, 0.999, "fraction",  "share of each row's weights that is removed")        \
    X(texts,   patterns,          "[]",    NULL, NULL, "",          "N:M, keep N of every M consecutive inputs; N:MxC, of blocks of C: one more model for each method and pattern") \
    X(text,    allocation,        "uniform", "uniform|error|file", NULL, "", "of a sparsity to linear layers: all alike; least sum of relative output errors; from allocation_file") \
    X(text,    allocation_file,   "",      NULL, NULL, "",          "lines block<TAB>linear<TAB>sparsity, which in all remove prune.sparsity") \
    X(integer, swaps,             0,       0, 1000000, "",          "exchanges a row of a method with +swaps; 0: until none helps") \
    X(integer, ranks_per_model,   0,       0, 4096, "ranks",        "that prune a model together, several models at a time; 0: all ranks; the same bytes on any") \
    X(integer, together,          4,       1, 64, "models",         "that go through the encoder in one pass: what the dense model alone needs is computed once for them; fewer where memory is short; the same bytes for any number") \
    X(integer, calibration,       256,     1, 10000000, "examples", "training sentences for the Hessians")                \
    X(integers, calibration_sizes, "[]",  1, 10000000, "examples",  "the first method and sparsity once more with so many sentences each: a curve") \
    X(integer, maps,              0,       0, 1000, "texts",        "whose attention maps are kept for every pruned model") \
    X(integer, calibration_length, 64,     8, 8192, "tokens",       "calibration sentences are cut to this")              \
    X(integer, chunk,             32,      1, 100000, "examples",   "calibration sentences a unit of work; never depends on ranks") \
    X(real,    damping,           1e-4,    0.0, 10.0, "",           "ridge, times the mean of H's diagonal")              \
    X(text,    hessian,           "adaptive", "adaptive|dense", NULL, "", "inputs from the pruned prefix or from the dense model") \
    X(text,    target,            "adaptive", "adaptive|dense", NULL, "", "re-fitted dense weight or the dense weight itself") \
    X(flag,    refit_bias,        1,       0, 1, "",                "re-fit the biases of the pruned layers with their weights") \
    X(flag,    refit_head,        1,       0, 1, "",                "re-fit pooler and classifier at the end")            \
    X(text,    factorisation,     "auto",  "auto|local|distributed", NULL, "", "LAPACK on each rank, ScaLAPACK over all, or by size") \
    X(text,    grid,              "auto",  NULL, NULL, "",          "ranks of a distributed factorisation as ROWSxCOLUMNS, no more than there are; auto: all, near-square")

#define ATTACK_OPTIONS(X)                                                                                                  \
    X(text,    recipe,            "textfooler", "textfooler|textfooler-original|pwws|textbugger|bert-attack|deepwordbug|a2t", NULL, "", "how words are attacked; thresholds left at their default are the recipe's own") \
    X(texts,   recipes,           "[]",    "textfooler|textfooler-original|pwws|textbugger|bert-attack|deepwordbug|a2t", NULL, "", "further recipes that every model of the table is attacked by, each with its own thresholds") \
    X(integer, examples,          0,       0, 100000000, "examples", "seeded sample of the reported set that is attacked; 0: all") \
    X(text,    neighbours,        "",      NULL, NULL, "",          "JSON: word -> neighbours, nearest first, or an index of espalier prepare synonyms; empty: the synthetic language's") \
    X(text,    vectors,           "",      NULL, NULL, "",          "word vectors in text form, instead of neighbours")   \
    X(real,    min_cosine,        -4,      -4.0, 1.0, "cosine",     "of a neighbour, where vectors are given; -4: the recipe's own") \
    X(integer, max_candidates,    0,       0, 1000, "words",        "neighbours or proposals tried for a word; 0: the recipe's own") \
    X(text,    wordnet,           "",      NULL, NULL, "",          "folder of WordNet's files, for pwws; empty: the system's") \
    X(text,    masked_lm,         "",      NULL, NULL, "",          "checkpoint whose masked-language head proposes words, for bert-attack; empty: the study's start encoder") \
    X(text,    tagger,            "auto",  "auto|none|wordnet|lexicon|perceptron", NULL, "", "part-of-speech source; auto: what tagger_path is (weights, lexicon or a folder of WordNet), else the synthetic language's lexicon, else the system's WordNet") \
    X(text,    tagger_path,       "",      NULL, NULL, "",          "file or folder of the part-of-speech source")        \
    X(text,    part_of_speech,    "recipe", "recipe|any|strict|noun-verb", NULL, "", "of a candidate: the recipe's own rule, any, the word's, or also noun for verb and the reverse") \
    X(text,    similarity_source, "encoder", "encoder|vectors|none", NULL, "", "sentence similarity: mean of the study's start encoder, of word vectors, or none") \
    X(text,    similarity_checkpoint, "",  NULL, NULL, "",          "folder of a sentence encoder (Sentence-BERT, mean pooling) for similarity_source encoder; empty: the study's start encoder") \
    X(integer, similarity_layers, 0,       0, 1000, "layers",       "of the sentence encoder that a text goes through before its mean is taken; 0: the first quarter of the start encoder's, rounded up, where it tells texts apart best; all of a checkpoint's") \
    X(text,    similarity_precision, "auto", "auto|float32|bf16", NULL, "", "of the similarity encoder's products; auto: model.precision for the start encoder, float32 for a checkpoint; bf16 is faster and moves similarities by some 1e-4") \
    X(text,    similarity_measure, "recipe", "recipe|angular|cosine|arccos", NULL, "", "the recipe's own, 1 - arccos(cos)/pi, cos, or 1 - arccos(cos) as the original TextFooler has it") \
    X(real,    similarity,        -4,      -4.0, 1.0, "",           "lowest similarity of a candidate's text; -4: the recipe's own") \
    X(integer, similarity_window, -1,      -1, 10000, "words",      "window around the change; 0: the whole text; -1: the recipe's own") \
    X(text,    similarity_to,     "recipe", "recipe|current|original", NULL, "", "what a candidate's text is compared with: the recipe's own, the text before this change, or before all") \
    X(real,    max_changed,       0.0,     0.0, 1.0, "fraction",    "share of the words that may be changed; 0: the recipe's own") \
    X(integer, max_edits,         0,       0, 100000, "characters", "largest edit distance of the whole text; 0: the recipe's own") \
    X(text,    stopwords,         "",      NULL, NULL, "",          "one word a line; empty: the built-in list")          \
    X(integer, query_budget,      0,       0, 1000000000, "queries", "an example; 0: no limit")                           \
    X(integer, time_out,          0,       0, 1000000, "seconds",   "after which an example is given up as errored, others in flight included; 0: never") \
    X(integer, batch_tokens,      0,       0, 1000000, "tokens",    "of a batch of texts of several examples; 0: the fastest found; results do not depend on it") \
    X(integer, in_flight,         0,       0, 1000, "examples",     "that a rank works on at most at a time; 0: as many as fill a batch; results do not depend on it") \
    X(flag,    transfer,          0,       0, 1, "",                "try the adversarial texts made on each model of the table on every model") \
    X(flag,    trace,             1,       0, 1, "",                "keep every query (hash, probability, class, similarity), 32 bytes each in study.h5, for attack --rescore")

#define REPORT_OPTIONS(X)                                                                                                  \
    X(text,    variants,          "best",  "best|all", NULL, "",    "which single variants the table lists")
/* clang-format on */

/* section name in the file, table; the top level has the name "" */
#define STUDY_SECTIONS(S)                                                                          \
    S(study, STUDY_OPTIONS)                                                                        \
    S(data, DATA_OPTIONS)                                                                          \
    S(synthetic, SYNTHETIC_OPTIONS)                                                                \
    S(model, MODEL_OPTIONS)                                                                        \
    S(pretrain, PRETRAIN_OPTIONS)                                                                  \
    S(finetune, FINETUNE_OPTIONS)                                                                  \
    S(soup, SOUP_OPTIONS)                                                                          \
    S(prune, PRUNE_OPTIONS)                                                                        \
    S(attack, ATTACK_OPTIONS)                                                                      \
    S(report, REPORT_OPTIONS)

#endif
