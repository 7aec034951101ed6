#include "config/rules.h"

#include "config/method.h"
#include "config/seeds.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

err rules_name(const node_place *at, const char *what, const char *name) {
    size_t n = strlen(name);
    int good = n > 0 && n < VARIANT_NAME_BYTES && isalnum((unsigned char)name[0]);
    for (size_t i = 0; i < n; i++)
        good &= name[i] > 0 && (isalnum((unsigned char)name[i]) || strchr("._-", name[i]));
    CHECK(good, ERR_USAGE,
          "%s: a %s's name becomes a folder: expected 1 to %d letters, digits, \".\", \"_\" or "
          "\"-\", the "
          "first a letter or digit, got \"%s\"",
          at->text, what, VARIANT_NAME_BYTES - 1, name);
    return OK;
}

/* the node of "section.option" or "option"; NULL where the file does not give it */
static const node *given(const node *root, const char *option) {
    const char *dot = strchr(option, '.');
    char section[64];
    if (!dot)
        return node_member(root, option);
    snprintf(section, sizeof section, "%.*s", (int)(dot - option), option);
    return node_member(node_member(root, section), dot + 1);
}

/* where a contradiction between two options is reported: the first that is given; a NULL for none
 */
static node_place between(const node *root, const char *first, const char *second) {
    const node *at = given(root, first);
    if (!at && second)
        at = given(root, second);
    return node_value_place(at ? at : root);
}

static err check_encoder(const study *s, const node *root) {
    if (s->model.checkpoint[0])
        return OK;
    CHECK(s->model.hidden % s->model.heads == 0, ERR_USAGE,
          "%s: model.hidden (%lld) must be a multiple of model.heads (%lld)",
          between(root, "model.heads", "model.hidden").text, (long long)s->model.hidden,
          (long long)s->model.heads);
    const struct {
        const char *option;
        int64_t length;
        int used;
    } lengths[] = {
        {"data.max_length", s->data.max_length, 1},
        {"pretrain.max_length", s->pretrain.max_length, s->pretrain.epochs > 0},
        {"prune.calibration_length", s->prune.calibration_length, s->prune.methods.n > 0}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        CHECK(!lengths[i].used || lengths[i].length <= s->model.positions, ERR_USAGE,
              "%s: %s (%lld) is more than model.positions (%lld), the longest sequence of the "
              "encoder",
              between(root, lengths[i].option, "model.positions").text, lengths[i].option,
              (long long)lengths[i].length, (long long)s->model.positions);
    return OK;
}

/* the recipes whose candidates are nearest words */
static int wants_neighbours(const char *recipe) {
    static const char *const others[] = {"pwws", "bert-attack", "deepwordbug"};
    int wants = 1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        wants &= strcmp(recipe, others[i]) != 0;
    return wants;
}

/* no recipe twice, and neighbours for those that want some */
static err check_recipes(const study *s, const node *root) {
    const attack_options *a = &s->attack;
    const int near = a->neighbours[0] || a->vectors[0] || strcmp(s->data.name, "synthetic") == 0;
    for (int i = -1; i < a->recipes.n; i++) {
        const char *name = i < 0 ? a->recipe : a->recipes.v[i];
        CHECK(near || !wants_neighbours(name), ERR_USAGE,
              "%s: %s needs attack.neighbours or attack.vectors for attack.%s %s",
              between(root, "data.name", NULL).text, s->data.name, i < 0 ? "recipe" : "recipes",
              name);
        for (int k = -1; k < i; k++)
            CHECK(strcmp(name, k < 0 ? a->recipe : a->recipes.v[k]) != 0, ERR_USAGE,
                  "%s: recipe %s is named twice in attack.recipe and attack.recipes",
                  between(root, "attack.recipes", NULL).text, name);
    }
    return OK;
}

/* what only the synthetic language brings along */
static err check_sources(const study *s, const node *root) {
    const attack_options *a = &s->attack;
    CHECK(!a->neighbours[0] || !a->vectors[0], ERR_USAGE,
          "%s: attack.neighbours and attack.vectors are both given: choose one",
          between(root, "attack.vectors", NULL).text);
    CHECK(strcmp(a->similarity_source, "vectors") != 0 || a->vectors[0], ERR_USAGE,
          "%s: attack.similarity_source is vectors, but attack.vectors is not given",
          between(root, "attack.similarity_source", NULL).text);
    CHECK(strcmp(a->similarity_source, "encoder") == 0 || !a->similarity_checkpoint[0], ERR_USAGE,
          "%s: attack.similarity_checkpoint is given, but attack.similarity_source is %s",
          between(root, "attack.similarity_source", "attack.similarity_checkpoint").text,
          a->similarity_source);
    int from_file = strcmp(a->tagger, "lexicon") == 0 || strcmp(a->tagger, "perceptron") == 0;
    CHECK(!from_file || a->tagger_path[0], ERR_USAGE,
          "%s: attack.tagger is %s, but attack.tagger_path is not given",
          between(root, "attack.tagger", NULL).text, a->tagger);
    if (strcmp(s->data.name, "synthetic") == 0)
        return check_recipes(s, root);
    node_place at = between(root, "data.name", NULL);
    CHECK(s->data.vocabulary[0] || s->model.checkpoint[0], ERR_USAGE,
          "%s: %s needs data.vocabulary or model.checkpoint to take a vocabulary from", at.text,
          s->data.name);
    CHECK(s->pretrain.epochs == 0 || s->pretrain.corpus[0] || strcmp(s->data.name, "imdb") == 0,
          ERR_USAGE, "%s: pretrain.epochs is %lld, but pretrain.corpus is not given",
          between(root, "pretrain.epochs", NULL).text, (long long)s->pretrain.epochs);
    return check_recipes(s, root);
}

static err check_counts(const study *s, const node *root) {
    CHECK(s->soup.examples <= s->data.heldout_examples, ERR_USAGE,
          "%s: soup.examples (%lld) is more than data.heldout_examples (%lld)",
          between(root, "soup.examples", "data.heldout_examples").text, (long long)s->soup.examples,
          (long long)s->data.heldout_examples);
    int64_t wanted =
        s->data.heldout_examples + (s->data.train_examples ? s->data.train_examples : 1);
    CHECK(strcmp(s->data.name, "synthetic") != 0 || wanted <= s->synthetic.train, ERR_USAGE,
          "%s: synthetic.train (%lld) leaves no room for data.heldout_examples (%lld) and "
          "data.train_examples (%lld)",
          between(root, "synthetic.train", "data.heldout_examples").text,
          (long long)s->synthetic.train, (long long)s->data.heldout_examples,
          (long long)s->data.train_examples);
    return OK;
}

/* models of a study that are not variants; see jobs/ */
static int is_taken(const char *name) {
    return strcmp(name, "start") == 0 || strcmp(name, "uniform") == 0 ||
           strcmp(name, "greedy") == 0 || strcmp(name, "learned") == 0 ||
           strncmp(name, "greedy-", 7) == 0;
}

static err check_variants(const study *s, const node *root) {
    node_place at = between(root, "finetune.variants", "finetune.grid");
    int pretrained = 0;
    for (int i = 0; i < s->n_variants; i++) {
        const variant *v = &s->variants[i];
        CHECK(!is_taken(v->name), ERR_USAGE,
              "%s: a variant cannot be called \"%s\": the study has a model of that name", at.text,
              v->name);
        pretrained += strcmp(v->o.init, "pretrained") == 0;
    }
    CHECK(
        pretrained, ERR_USAGE,
        "%s: every variant has init: random, which never enters the average: one at least must be "
        "pretrained",
        at.text);
    return OK;
}

/* a pattern that some method, or the encoder that the study describes, cannot take */
static err check_pattern(const study *s, const node *root, const char *text) {
    const prune_options *o = &s->prune;
    node_place at = between(root, "prune.patterns", NULL);
    int keep, of, block;
    err e = method_pattern(text, &keep, &of, &block);
    if (e != OK)
        return err_prefix(e, "%s: prune.patterns", at.text);
    for (int i = 0; i < o->methods.n && block > 1; i++) {
        method_text m;
        CALL(method_parse(o->methods.v[i], &m));
        CHECK(!m.swaps, ERR_USAGE,
              "%s: prune.patterns: +swaps would break the blocks of %s: leave one out", at.text,
              text);
    }
    const int64_t widths[] = {s->model.hidden, s->model.feed_forward};
    for (size_t i = 0; i < 2 && o->methods.n > 0 && !s->model.checkpoint[0]; i++)
        CHECK(widths[i] % ((int64_t)of * block) == 0, ERR_USAGE,
              "%s: prune.patterns: groups of %d inputs (%s) do not divide model.%s (%lld)", at.text,
              of * block, text, i == 0 ? "hidden" : "feed_forward", (long long)widths[i]);
    return OK;
}

/* what the launcher gives is not known here: that a grid fits is checked where ranks are */
static err check_pruning(const study *s, const node *root) {
    const prune_options *o = &s->prune;
    for (int i = 0; i < o->methods.n; i++) {
        method_text m;
        err e = method_parse(o->methods.v[i], &m);
        if (e != OK)
            return err_prefix(e, "%s: prune.methods", between(root, "prune.methods", NULL).text);
    }
    for (int i = 0; i < o->patterns.n; i++)
        CALL(check_pattern(s, root, o->patterns.v[i]));
    CHECK(strcmp(o->allocation, "file") != 0 || o->allocation_file[0], ERR_USAGE,
          "%s: prune.allocation is file, but prune.allocation_file is not given",
          between(root, "prune.allocation", NULL).text);
    int rows, cols;
    char rest;
    int grid = sscanf(s->prune.grid, "%dx%d%c", &rows, &cols, &rest) == 2 && rows > 0 && cols > 0;
    CHECK(grid || strcmp(s->prune.grid, "auto") == 0, ERR_USAGE,
          "%s: prune.grid: expected auto or ROWSxCOLUMNS, for instance 2x3, got \"%s\"",
          between(root, "prune.grid", NULL).text, s->prune.grid);
    return OK;
}

err rules_check(const study *s, const node *root) {
    node_place at = between(root, "name", NULL);
    CALL(rules_name(&at, "study", s->study.name));
    CALL(check_encoder(s, root));
    CALL(check_sources(s, root));
    CALL(check_counts(s, root));
    CALL(check_pruning(s, root));
    CALL(seeds_check(s, root));
    return check_variants(s, root);
}
