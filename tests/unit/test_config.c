/* studies: every refusal with its place, defaults, grids, overrides, the effective configuration */
#include "base/strbuf.h"
#include "config/nearest.h"
#include "config/option.h"
#include "config/study.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_config.XXXXXX", configs[4096];

static void write_file(const char *path, const char *text, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static err read_text(const char *text, const char *const *sets, int n_sets, study **s) {
    write_file("s.yaml", text, strlen(text));
    return study_read("s.yaml", sets, n_sets, s);
}

static study *must_read(const char *text, const char *const *sets, int n_sets) {
    study *s = NULL;
    ck_assert_msg(read_text(text, sets, n_sets, &s) == OK, "%s", err_message());
    return s;
}

static const struct {
    const char *text, *message;
} refusals[] = {
    /* names */
    {"sed: 1\n", "s.yaml:1:1: unknown option \"sed\"; did you mean \"seed\"?"},
    {"atack:\n  examples: 1\n", "s.yaml:1:1: unknown option \"atack\"; did you mean \"attack\"?"},
    {"attack:\n  exmaples: 1\n",
     "s.yaml:2:3: unknown option \"attack.exmaples\"; did you mean \"attack.examples\"?"},
    {"name: a\ndata:\n    learning_rate: 1\n",
     "s.yaml:3:5: unknown option \"data.learning_rate\"; there is \"pretrain.learning_rate\""},
    {"model: {wombat: 1}\n",
     "s.yaml:1:9: unknown option \"model.wombat\"; configs/reference.yaml lists all"},
    {"finetune: {varants: []}\n",
     "s.yaml:1:12: unknown option \"finetune.varants\"; did you mean \"finetune.variants\"?"},
    {"<<: {seed: 1}\n", "s.yaml:1:1: unknown option \"<<\"; configs/reference.yaml lists all"},
    {"\"\": 1\n", "s.yaml:1:1: unknown option \"\"; configs/reference.yaml lists all"},
    {"study: {seed: 1}\n",
     "s.yaml:1:1: unknown option \"study\"; configs/reference.yaml lists all"},
    /* form */
    {"seed: 1\nname: a\nseed: 2\n", "s.yaml:3:1: \"seed\" is given twice: first at s.yaml:1:1"},
    {"attack: {examples: 1, examples: 1}\n",
     "s.yaml:1:23: \"examples\" is given twice: first at s.yaml:1:10"},
    {"just text\n", "s.yaml:1:1: expected options, e.g. \"name: demo\", got \"just text\""},
    {"- a\n", "s.yaml:1:1: expected options, e.g. \"name: demo\", got a list"},
    {"attack: 5\n", "s.yaml:1:9: attack: expected a group of options, got \"5\""},
    {"attack: [1]\n", "s.yaml:1:9: attack: expected a group of options, got a list"},
    {"? [a]\n: 1\n", "s.yaml:1:3: expected a name before \":\", got a list"},
    {"seed: &x 1\n",
     "s.yaml:1:7: anchors (&x) are not supported: write the value where it is used"},
    {"seed: *x\n", "s.yaml:1:7: aliases (*x) are not supported: write the value where it is used"},
    {"seed: !!int 1\n",
     "s.yaml:1:7: tags (tag:yaml.org,2002:int) are not supported: write the plain value"},
    {"seed: !!str 1\n",
     "s.yaml:1:7: tags (tag:yaml.org,2002:str) are not supported: write the plain value"},
    {"attack:\n\texamples: 1\n", "s.yaml:2:1: a tab: indent with spaces"},
    {"attack:\n  examples: 1\n  \ttagger: none\n", "s.yaml:3:3: a tab: indent with spaces"},
    {"seed: 1\n---\nseed: 2\n", "s.yaml:2:1: a second document: one study a file"},
    {"seed: [1\nname: a\n",
     "s.yaml:2:5: not YAML: did not find expected ',' or ']', while parsing a flow sequence"},
    {"name: \"a\xff\"\n", "s.yaml:1:9: not text in UTF-8: invalid leading UTF-8 octet"},
    {"name: \"a\\0b\"\n", "s.yaml:1:7: a control character (0x00) in a value"},
    {"name: |\n  a\n", "s.yaml:1:7: a control character (0x0a) in a value"},
    {"a: [[[[[[[[[[1]]]]]]]]]]\n", "s.yaml:1:12: nested more than 8 levels deep"},
    /* types */
    {"attack:\n  examples: many\n",
     "s.yaml:2:13: attack.examples: expected a whole number, got \"many\""},
    {"attack: {examples: 1.0}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got \"1.0\""},
    {"attack: {examples: 1x}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got \"1x\""},
    {"attack: {examples: 1_0}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got \"1_0\""},
    {"attack: {examples: 010}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got \"010\""},
    {"attack: {examples: 0x10}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got \"0x10\""},
    {"attack: {examples: \"5\"}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got the quoted text \"5\""},
    {"attack: {examples: }\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got nothing"},
    {"attack: {examples: [1]}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got a list"},
    {"attack: {examples: {a: 1}}\n",
     "s.yaml:1:20: attack.examples: expected a whole number, got a group of options"},
    {"attack: {similarity: .nan}\n",
     "s.yaml:1:22: attack.similarity: expected a number, got \".nan\""},
    {"attack: {similarity: inf}\n",
     "s.yaml:1:22: attack.similarity: expected a number, got \"inf\""},
    {"attack: {similarity: 0x1p-1}\n",
     "s.yaml:1:22: attack.similarity: expected a number, got \"0x1p-1\""},
    {"attack: {similarity: 1e}\n", "s.yaml:1:22: attack.similarity: expected a number, got \"1e\""},
    {"attack: {similarity: .}\n", "s.yaml:1:22: attack.similarity: expected a number, got \".\""},
    {"prune: {refit_head: yes}\n",
     "s.yaml:1:21: prune.refit_head: expected true or false, got \"yes\""},
    {"prune: {refit_head: 1}\n",
     "s.yaml:1:21: prune.refit_head: expected true or false, got \"1\""},
    {"attack: {neighbours: [a]}\n",
     "s.yaml:1:22: attack.neighbours: expected one text, got a list"},
    {"attack: {neighbours: }\n",
     "s.yaml:1:22: attack.neighbours: expected a text (\"\" for an empty one), got nothing"},
    {"data: {name: sst-2}\n",
     "s.yaml:1:14: data.name: expected synthetic | sst2 | imdb | agnews, got "
     "\"sst-2\"; did you mean sst2?"},
    {"prune: {sparsity: 0.5}\n",
     "s.yaml:1:19: prune.sparsity: expected a list, e.g. [a, b], got \"0.5\""},
    {"prune:\n  sparsity: [0.5, half]\n",
     "s.yaml:2:19: prune.sparsity: expected a number, got \"half\""},
    {"prune:\n  sparsity: [0.5, 5e-1]\n", "s.yaml:2:19: prune.sparsity: 5e-1 is listed twice"},
    {"prune:\n  methods: [adaptiv]\n",
     "s.yaml:2:12: prune.methods: unknown method \"adaptiv\": expected adaptive, obc, sparsegpt, "
     "wanda, magnitude, magnitude-global or random, then @none, @hessian, @target or @both, then "
     "+refit, +swaps"},
    {"prune: {methods: [wanda+swaps], patterns: [\"1:2x16\"]}\n",
     "s.yaml:1:43: prune.patterns: +swaps would break the blocks of 1:2x16: leave one out"},
    {"model: {hidden: 96, heads: 2}\nprune: {patterns: [\"32:64\"]}\n",
     "s.yaml:2:19: prune.patterns: groups of 64 inputs (32:64) do not divide model.hidden (96)"},
    {"prune:\n  methods: [magnitude, magnitude]\n",
     "s.yaml:2:24: prune.methods: magnitude is listed twice"},
    {"seeds: 1\n", "s.yaml:1:8: seeds: expected a list, e.g. [a, b], got \"1\""},
    {"seeds: [1, 1.5]\n", "s.yaml:1:12: seeds: expected a whole number, got \"1.5\""},
    {"seeds: [2, 1, +2]\n", "s.yaml:1:15: seeds: +2 is listed twice"},
    {"seeds: [0]\n", "s.yaml:1:9: seeds: 0 is out of range: allowed are 1 to 4294966"},
    {"seeds: [1]\nfinetune: {seed: 1000}\n",
     "s.yaml:1:8: variant v00 has seed 1000: in a repeated study they are below 1000, because "
     "repetition K trains variant seed s with 1000 K + s"},
    /* ranges */
    {"seed: 4294967296\n",
     "s.yaml:1:7: seed: 4294967296 is out of range: allowed are 1 to 4294967295"},
    {"seed: 99999999999999999999\n",
     "s.yaml:1:7: seed: 99999999999999999999 is out of range: allowed are 1 to 4294967295"},
    {"soup: {examples: 0}\n",
     "s.yaml:1:18: soup.examples: 0 is out of range: allowed are 1 to 100000000 examples"},
    {"soup: {examples: -5}\n",
     "s.yaml:1:18: soup.examples: -5 is out of range: allowed are 1 to 100000000 examples"},
    {"finetune: {dropout: 1}\n",
     "s.yaml:1:21: finetune.dropout: 1 is out of range: allowed are 0 to 0.9 fraction"},
    {"finetune: {clip: 1e999}\n",
     "s.yaml:1:18: finetune.clip: 1e999 is out of range: allowed are 0 to 1000000000"},
    /* names that become folders */
    {"name: a/b\n",
     "s.yaml:1:7: a study's name becomes a folder: expected 1 to 63 letters, digits, "
     "\".\", \"_\" or \"-\", the first a letter or digit, got \"a/b\""},
    {"name: ..\n", "s.yaml:1:7: a study's name becomes a folder: expected 1 to 63 letters, digits, "
                   "\".\", \"_\" or \"-\", the first a letter or digit, got \"..\""},
    {"finetune: {variants: [{name: \"a b\"}]}\n",
     "s.yaml:1:30: a variant's name becomes a folder: expected 1 to 63 letters, digits, "
     "\".\", \"_\" or \"-\", the first a letter or digit, got \"a b\""},
    /* variants */
    {"finetune: {variants: []}\n",
     "s.yaml:1:22: finetune.variants: expected a list of variants, got an empty one"},
    {"finetune: {variants: {a: 1}}\n",
     "s.yaml:1:22: finetune.variants: expected a list of variants, got a group of options"},
    {"finetune: {variants: [a]}\n",
     "s.yaml:1:23: expected a variant, e.g. {name: a, seed: 1}, got \"a\""},
    {"finetune:\n  variants:\n    - {name: a}\n    - {nam: a}\n",
     "s.yaml:4:8: unknown option \"nam\" in a variant"},
    {"finetune:\n  variants:\n    - {seed: 1, epoch: 2}\n",
     "s.yaml:3:17: unknown option \"epoch\" in a variant; did you mean \"epochs\"?"},
    {"finetune:\n  variants:\n    - {epochs: 0}\n",
     "s.yaml:3:16: finetune.variants.epochs: 0 is out of range: allowed are 1 to 1000 epochs"},
    {"finetune:\n  variants:\n    - {name: a}\n    - {name: a}\n",
     "s.yaml:4:7: two variants are called \"a\": variant 1 and variant 2"},
    {"finetune:\n  variants: [{name: v01}]\n  grid: {seed: [1, 2]}\n",
     "s.yaml:3:9: two variants are called \"v01\": variant 1 and variant 2"},
    {"finetune:\n  variants: [{name: greedy}]\n",
     "s.yaml:2:13: a variant cannot be called \"greedy\": the "
     "study has a model of that name"},
    {"prune: {allocation: file}\n",
     "s.yaml:1:21: prune.allocation is file, but prune.allocation_file is not given"},
    {"prune: {grid: 2 by 3}\n",
     "s.yaml:1:15: prune.grid: expected auto or ROWSxCOLUMNS, for instance 2x3, got \"2 by 3\""},
    {"finetune: {grid: 5}\n",
     "s.yaml:1:18: finetune.grid: expected options with lists, e.g. {seed: "
     "[1, 2]}, got \"5\""},
    {"finetune: {grid: {}}\n",
     "s.yaml:1:18: finetune.grid: expected options with lists, e.g. {seed: [1, 2]}, got none"},
    {"finetune: {grid: {sed: [1]}}\n",
     "s.yaml:1:19: unknown option \"sed\" in the grid; did you mean \"seed\"?"},
    {"finetune: {grid: {name: [a]}}\n", "s.yaml:1:19: unknown option \"name\" in the grid"},
    {"finetune: {grid: {seed: 1}}\n",
     "s.yaml:1:25: finetune.grid.seed: expected a list of values, got \"1\""},
    {"finetune: {grid: {seed: []}}\n",
     "s.yaml:1:25: finetune.grid.seed: expected a list of values, got an empty list"},
    {"finetune: {grid: {seed: [1, x]}}\n",
     "s.yaml:1:29: finetune.grid.seed: expected a whole number, got \"x\""},
    {"finetune: {grid: {learning_rate: [1e-3, 0.001]}}\n",
     "s.yaml:1:41: finetune.grid.learning_rate: 0.001 is listed twice"},
    {"finetune: {init: random}\n",
     "s.yaml:1:1: every variant has init: random, which never enters the "
     "average: one at least must be pretrained"},
    /* contradictions */
    {"model:\n  heads: 3\n",
     "s.yaml:2:10: model.hidden (128) must be a multiple of model.heads (3)"},
    {"model:\n  hidden: 129\n",
     "s.yaml:2:11: model.hidden (129) must be a multiple of model.heads (2)"},
    {"data:\n  max_length: 129\n",
     "s.yaml:2:15: data.max_length (129) is more than model.positions "
     "(128), the longest sequence of the encoder"},
    {"model:\n  positions: 64\n", "s.yaml:2:14: data.max_length (128) is more than model.positions "
                                  "(64), the longest sequence of the encoder"},
    {"pretrain:\n  epochs: 1\n  max_length: 200\n",
     "s.yaml:3:15: pretrain.max_length (200) is more than model.positions (128), the longest "
     "sequence "
     "of the encoder"},
    {"prune:\n  calibration_length: 200\n",
     "s.yaml:2:23: prune.calibration_length (200) is more than model.positions (128), the longest "
     "sequence of the encoder"},
    {"attack:\n  neighbours: a\n  vectors: b\n",
     "s.yaml:3:12: attack.neighbours and attack.vectors are both given: choose one"},
    {"attack:\n  similarity_source: vectors\n",
     "s.yaml:2:22: attack.similarity_source is vectors, but attack.vectors is not given"},
    {"attack:\n  similarity_checkpoint: a\n  similarity_source: none\n",
     "s.yaml:3:22: attack.similarity_checkpoint is given, but attack.similarity_source is none"},
    {"attack:\n  tagger: perceptron\n",
     "s.yaml:2:11: attack.tagger is perceptron, but attack.tagger_path is not given"},
    {"data:\n  name: sst2\n",
     "s.yaml:2:9: sst2 needs data.vocabulary or model.checkpoint to take a vocabulary from"},
    {"data:\n  name: sst2\n  vocabulary: v\nattack: {recipe: pwws, recipes: [a2t]}\n",
     "s.yaml:2:9: sst2 needs attack.neighbours or attack.vectors for attack.recipes a2t"},
    {"data: {name: sst2, vocabulary: v}\nattack: {neighbours: n}\npretrain: {epochs: 1}\n",
     "s.yaml:3:20: pretrain.epochs is 1, but pretrain.corpus is not given"},
    {"soup:\n  examples: 1001\n",
     "s.yaml:2:13: soup.examples (1001) is more than data.heldout_examples (1000)"},
    {"synthetic:\n  train: 1000\n", "s.yaml:2:10: synthetic.train (1000) leaves no room for "
                                    "data.heldout_examples (1000) and data.train_examples (0)"},
};

START_TEST(refuses) {
    study *s = NULL;
    ck_assert_int_eq(read_text(refusals[_i].text, NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), refusals[_i].message);
    ck_assert_ptr_null(s);
}
END_TEST

static const struct {
    const char *set, *message;
} bad_sets[] = {
    {"attack.examples=many", "--set: attack.examples: expected a whole number, got \"many\""},
    {"attack.exmaples=1",
     "--set: unknown option \"attack.exmaples\"; did you mean \"attack.examples\"?"},
    {"atack.examples=1", "--set: unknown option \"atack\"; did you mean \"attack\"?"},
    {"attack.examples",
     "--set: expected OPTION=VALUE, e.g. attack.examples=50, got \"attack.examples\""},
    {"=1", "--set: expected OPTION=VALUE, e.g. attack.examples=50, got \"=1\""},
    {"attack={examples: 1}",
     "--set: set the options of a section one by one: --set attack.OPTION=VALUE"},
    {"seed.x=1", "--set: \"seed\" is no section: \"seed.x=1\""},
    {"attack.a.b=1", "--set: unknown option \"attack.a.b\"; configs/reference.yaml lists all"},
    {"finetune.grid={sed: [1]}",
     "--set: unknown option \"sed\" in the grid; did you mean \"seed\"?"},
    {"prune.sparsity=[0.5",
     "--set: not YAML: did not find expected ',' or ']', while parsing a flow "
     "sequence"},
    {"model.heads=3", "--set: model.hidden (128) must be a multiple of model.heads (3)"},
};

START_TEST(refuses_set) {
    study *s = NULL;
    ck_assert_int_eq(read_text("seed: 7\n", &bad_sets[_i].set, 1, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), bad_sets[_i].message);
}
END_TEST

START_TEST(refuses_files) {
    study *s = NULL;
    ck_assert_int_eq(study_read("absent.yaml", NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(),
                     "absent.yaml: cannot open the study: No such file or directory");
    ck_assert_int_eq(study_read(".", NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), ".: cannot read the study: Is a directory");
    size_t n = (1 << 20) + 1;
    char *big = malloc(n);
    ck_assert_ptr_nonnull(big);
    memset(big, '#', n);
    write_file("big.yaml", big, n);
    free(big);
    ck_assert_int_eq(study_read("big.yaml", NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), "big.yaml: over 1 MiB: is this a study?");
    write_file("nul.yaml", "seed: 1\n\0", 9);
    ck_assert_int_eq(study_read("nul.yaml", NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(),
                     "nul.yaml:2:1: not text in UTF-8: control characters are not allowed");
}
END_TEST

START_TEST(too_many_variants) {
    strbuf text = {0};
    ck_assert_int_eq(strbuf_printf(&text, "finetune:\n  grid:\n    seed: [1"), OK);
    for (int i = 2; i <= 600; i++)
        ck_assert_int_eq(strbuf_printf(&text, ", %d", i), OK);
    ck_assert_int_eq(strbuf_printf(&text, "]\n    epochs: [1, 2]\n"), OK);
    study *s = NULL;
    ck_assert_int_eq(read_text(text.text, NULL, 0, &s), ERR_USAGE);
    ck_assert_str_eq(err_message(), "s.yaml:3:5: finetune.grid: over 1024 variants");
    strbuf_free(&text);
}
END_TEST

/* spot checks against the numbers of the table, written out once more */
START_TEST(defaults) {
    static const char *const empty[] = {"",        "# nothing\n",  "---\n",
                                        "data:\n", "attack: {}\n", "data: ~\n"};
    study *s = must_read(empty[_i], NULL, 0);
    ck_assert_str_eq(s->path, "s.yaml");
    ck_assert_str_eq(s->study.name, "study");
    ck_assert_int_eq(s->study.seed, 1);
    ck_assert_str_eq(s->data.name, "synthetic");
    ck_assert_int_eq(s->data.max_length, 128);
    ck_assert(s->finetune.learning_rate == 2e-5 && s->pretrain.clip == 1.0);
    ck_assert(s->attack.similarity == -4.0 && s->attack.trace == 1);
    ck_assert_int_eq(s->prune.methods.n, 2);
    ck_assert_str_eq(s->prune.methods.v[0], "adaptive");
    ck_assert_str_eq(s->prune.methods.v[1], "magnitude");
    ck_assert(s->prune.sparsity.n == 1 && s->prune.sparsity.v[0] == 0.5);
    ck_assert_int_eq(s->n_variants, 1);
    ck_assert_str_eq(s->variants[0].name, "v00");
    ck_assert_int_eq(s->variants[0].o.seed, 1);
    ck_assert_str_eq(s->variants[0].o.init, "pretrained");
    study_free(&s);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(reads_values) {
    study *s =
        must_read("name: 2024\nseed: +12\nfinetune: {learning_rate: 4e-2, clip: 5, warmup: .5}\n"
                  "attack: {min_cosine: -0.25, trace: false, neighbours: \"a \\\"b\\\" é\"}\n"
                  "prune: {sparsity: [], methods: [magnitude]}\n",
                  NULL, 0);
    ck_assert_str_eq(s->study.name, "2024");
    ck_assert_int_eq(s->study.seed, 12);
    ck_assert(s->finetune.learning_rate == 0.04 && s->finetune.clip == 5.0);
    ck_assert(s->finetune.warmup == 0.5 && s->attack.min_cosine == -0.25);
    ck_assert_int_eq(s->attack.trace, 0);
    ck_assert_str_eq(s->attack.neighbours, "a \"b\" é");
    ck_assert(s->prune.sparsity.n == 0 && s->prune.methods.n == 1);
    study_free(&s);
}
END_TEST

START_TEST(grid_order) {
    study *s = must_read("seed: 9\n"
                         "finetune:\n"
                         "  epochs: 5\n"
                         "  variants:\n"
                         "    - {name: base, init: random}\n"
                         "    - {dropout: 0.5, seed: 3}\n"
                         "  grid:\n"
                         "    learning_rate: [1e-3, 2e-3]\n"
                         "    epochs: [1, 2, 3]\n",
                         NULL, 0);
    static const struct {
        const char *name;
        double rate, dropout;
        int epochs, seed;
    } want[] = {{"base", 2e-5, 0.1, 5, 9}, {"v01", 2e-5, 0.5, 5, 3}, {"v02", 1e-3, 0.1, 1, 9},
                {"v03", 1e-3, 0.1, 2, 9},  {"v04", 1e-3, 0.1, 3, 9}, {"v05", 2e-3, 0.1, 1, 9},
                {"v06", 2e-3, 0.1, 2, 9},  {"v07", 2e-3, 0.1, 3, 9}};
    ck_assert_int_eq(s->n_variants, 8);
    for (int i = 0; i < 8; i++) {
        const variant *v = &s->variants[i];
        ck_assert_str_eq(v->name, want[i].name);
        ck_assert(v->o.learning_rate == want[i].rate && v->o.dropout == want[i].dropout);
        ck_assert_int_eq(v->o.epochs, want[i].epochs);
        ck_assert_int_eq(v->o.seed, want[i].seed);
        ck_assert_str_eq(v->o.init, i == 0 ? "random" : "pretrained");
    }
    study_free(&s);
}
END_TEST

START_TEST(sets) {
    static const char *const list[] = {"seed=3",
                                       "study.seed=2",
                                       "attack.examples=50",
                                       "attack.examples=51",
                                       "model.checkpoint=",
                                       "prune.sparsity=[0.3, 0.875]",
                                       "finetune.grid={seed: [4, 5]}",
                                       "data.root=/a=b"};
    study *s = must_read("seed: 1\nmodel: {checkpoint: x, layers: 3}\ndata:\n", list, 8);
    ck_assert_int_eq(s->study.seed, 2);
    ck_assert_int_eq(s->attack.examples, 51);
    ck_assert_str_eq(s->model.checkpoint, "");
    ck_assert_int_eq(s->model.layers, 3);
    ck_assert(s->prune.sparsity.n == 2 && s->prune.sparsity.v[1] == 0.875);
    ck_assert(s->n_variants == 2 && s->variants[1].o.seed == 5);
    ck_assert_str_eq(s->data.root, "/a=b");
    study_free(&s);
}
END_TEST

/* what is written reads back to the same values and the same bytes; the folder is left out */
START_TEST(round_trip) {
    study *s =
        must_read("name: \"true\"\ndirectory: elsewhere\nseed: 4294967295\n"
                  "data: {root: \"a \\\"b\\\\ é: #\", vocabulary: \"null\"}\n"
                  "pretrain: {clip: 1e9, learning_rate: 0.1234567890123456789, mask: 0.3}\n"
                  "attack: {similarity: 1e-300, min_cosine: -0.1, trace: false}\n"
                  "prune: {sparsity: [0.1, 0.875, 1e-4, 0.999], methods: []}\n"
                  "finetune:\n"
                  "  variants: [{name: \"01\", weight_decay: 1e-2}, {name: no, clip: 123456.75}]\n"
                  "  grid: {learning_rate: [3e-5, 0.04], init: [random, pretrained]}\n",
                  NULL, 0);
    strbuf first = {0}, second = {0};
    ck_assert_int_eq(study_write(s, &first), OK);
    study *again = must_read(first.text, NULL, 0);
    ck_assert_int_eq(study_write(again, &second), OK);
    ck_assert_str_eq(first.text, second.text);
    ck_assert_ptr_null(strstr(first.text, "directory"));
    ck_assert_str_eq(again->study.directory, "");
    ck_assert_str_eq(again->study.name, "true");
    ck_assert_int_eq(again->study.seed, 4294967295);
    ck_assert_mem_eq(&s->data, &again->data, sizeof s->data);
    ck_assert_mem_eq(&s->pretrain, &again->pretrain, sizeof s->pretrain);
    ck_assert_mem_eq(&s->finetune, &again->finetune, sizeof s->finetune);
    ck_assert_mem_eq(&s->attack, &again->attack, sizeof s->attack);
    ck_assert_mem_eq(&s->prune, &again->prune, sizeof s->prune);
    ck_assert_int_eq(again->n_variants, 6);
    ck_assert_mem_eq(s->variants, again->variants, 6 * sizeof *s->variants);
    strbuf_free(&first);
    strbuf_free(&second);
    study_free(&s);
    study_free(&again);
}
END_TEST

/* fewest digits, a point always, a signed exponent: the form that every YAML version reads as a
 * number */
START_TEST(prints_reals) {
    static const struct {
        double x;
        const char *text;
    } want[] = {{0, "0.0"},           {1, "1.0"},
                {0.1, "0.1"},         {2e-5, "2.0e-5"},
                {1e-4, "1.0e-4"},     {0.00125, "0.00125"},
                {1e9, "1.0e+9"},      {123456.75, "123456.75"},
                {1500, "1500.0"},     {-0.5, "-0.5"},
                {1.5e-7, "1.5e-7"},   {0.1 + 0.2, "0.30000000000000004"},
                {5e-324, "5.0e-324"}, {9999999, "9999999.0"}};
    section s;
    ck_assert_int_eq(section_find("finetune", &s), 1);
    const option *o = section_option(&s, "learning_rate");
    strbuf b = {0};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        strbuf_clear(&b);
        ck_assert_int_eq(option_print(o, &want[i].x, &b), OK);
        ck_assert_str_eq(b.text, want[i].text);
        ck_assert(strtod(b.text, NULL) == want[i].x);
    }
    strbuf_free(&b);
}
END_TEST

static err count_option(void *state, const char *in, const char *name, const char *value,
                        const char *unit, const char *help) {
    int *n = state;
    ck_assert(in && *name && *value && unit && *help);
    if (strcmp(name, "similarity_window") == 0) {
        ck_assert_str_eq(in, "attack");
        ck_assert_str_eq(value, "-1");
        ck_assert_str_eq(unit, "words");
    }
    ++*n;
    return OK;
}

START_TEST(walks) {
    study *s = must_read("", NULL, 0);
    int n = 0, want = 0;
    for (int i = 0; i < OPTION_SECTIONS; i++)
        want += section_at(i).n;
    ck_assert_int_eq(study_walk(s, count_option, &n), OK);
    ck_assert_int_eq(n, want);
    ck_assert_int_gt(n, 50);
    study_free(&s);
}
END_TEST

START_TEST(distances) {
    ck_assert_int_eq(nearest_distance("", ""), 0);
    ck_assert_int_eq(nearest_distance("abc", ""), 3);
    ck_assert_int_eq(nearest_distance("kitten", "sitting"), 3);
    ck_assert_int_eq(nearest_distance("exmaples", "examples"), 1);
    ck_assert_int_eq(nearest_distance("ca", "abc"),
                     3); /* alignment, not the full Damerau distance */
    nearest n = {.word = "prun"};
    nearest_offer(&n, "predict");
    ck_assert_ptr_null(n.best);
    nearest_offer(&n, "run");
    nearest_offer(&n, "prune");
    ck_assert_str_eq(n.best, "prune"); /* of equals the one that begins like it */
    nearest_offer(&n, "prung");
    ck_assert_str_eq(n.best, "prune"); /* then the first */
}
END_TEST

static char *read_whole(const char *path) {
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(text && f, "%s", path);
    ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, f), (1 << 20) - 1);
    fclose(f);
    return text;
}

/* configs/reference.yaml is the table written out: every line of the effective defaults, in order,
 * and `directory`, which is no part of an effective configuration; all else is comment */
START_TEST(reference) {
    char path[sizeof configs + 20];
    snprintf(path, sizeof path, "%s/reference.yaml", configs);
    char *text = read_whole(path), *at = text, *rest_of_want, *rest_of_text;
    study *s = must_read("", NULL, 0);
    strbuf want = {0};
    ck_assert_int_eq(study_write(s, &want), OK);
    const char *wanted = strtok_r(want.text, "\n", &rest_of_want);
    for (at = strtok_r(text, "\n", &rest_of_text); at; at = strtok_r(NULL, "\n", &rest_of_text)) {
        if (at[strspn(at, " ")] == '#')
            continue;
        if (strncmp(at, "directory: \"\" ", 14) == 0) {
            section top = section_at(0);
            ck_assert_ptr_nonnull(strstr(at, section_option(&top, "directory")->help));
            continue;
        }
        ck_assert_ptr_nonnull(wanted);
        ck_assert_str_eq(at, wanted);
        wanted = strtok_r(NULL, "\n", &rest_of_want);
    }
    ck_assert_ptr_null(wanted);
    free(text);
    strbuf_free(&want);
    study_free(&s);
}
END_TEST

START_TEST(configs_are_studies) {
    static const char *const names[] = {"reference", "demo",      "sst2-quick",
                                        "sst2-mini", "sst2-soup", "table8"};
    char path[sizeof configs + 20];
    study *s = NULL;
    snprintf(path, sizeof path, "%s/%s.yaml", configs, names[_i]);
    ck_assert_msg(study_read(path, NULL, 0, &s) == OK, "%s", err_message());
    ck_assert_str_eq(s->study.name, _i == 0 ? "study" : names[_i]);
    study_free(&s);
}
END_TEST

static Suite *config_suite(void) {
    Suite *suite = suite_create("config");
    TCase *t = tcase_create("study");
    tcase_add_loop_test(t, refuses, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_loop_test(t, refuses_set, 0, (int)(sizeof bad_sets / sizeof *bad_sets));
    tcase_add_test(t, refuses_files);
    tcase_add_test(t, too_many_variants);
    tcase_add_loop_test(t, defaults, 0, 6);
    tcase_add_test(t, reads_values);
    tcase_add_test(t, grid_order);
    tcase_add_test(t, sets);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, prints_reals);
    tcase_add_test(t, walks);
    tcase_add_test(t, distances);
    tcase_add_test(t, reference);
    tcase_add_loop_test(t, configs_are_studies, 0, 6);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void) {
    if (!realpath("configs", configs)) {
        perror("configs: run from the top of the repository");
        return 1;
    }
    if (!mkdtemp(folder) || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    SRunner *r = srunner_create(config_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    static const char *const files[] = {"s.yaml", "big.yaml", "nul.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    rmdir(folder);
    return failed != 0;
}
