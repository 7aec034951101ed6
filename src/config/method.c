#include "config/method.h"

#include <stdio.h>
#include <string.h>

static const char EXPECTED[] =
    "expected adaptive, obc, sparsegpt, wanda, magnitude, "
    "magnitude-global or random, then @none, @hessian, @target or @both, "
    "then +refit, +swaps";

/* the part at *text up to one of `ends`, which *text is moved to */
static int take(const char **text, const char *ends, char *out, size_t size) {
    size_t n = strcspn(*text, ends);
    int fits = n > 0 && n < size;
    snprintf(out, size, "%.*s", (int)(fits ? n : 0), *text);
    *text += n;
    return fits;
}

static int known(const char *base) {
    static const char *const bases[] = {
        "adaptive", "obc", "sparsegpt", "wanda", "magnitude", "magnitude-global", "random"};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        if (strcmp(base, bases[i]) == 0)
            return 1;
    return 0;
}

err method_parse(const char *text, method_text *out) {
    static const struct {
        const char *word;
        int hessian, target;
    } inputs[] = {{"none", 0, 0}, {"hessian", 1, 0}, {"target", 0, 1}, {"both", 1, 1}};
    const char *at = text;
    char word[24];
    *out = (method_text){.hessian = -1, .target = -1};
    int good = strlen(text) < METHOD_BYTES && take(&at, "@+", out->base, sizeof out->base) &&
               known(out->base);
    if (good && *at == '@') {
        at++;
        good = take(&at, "@+", word, sizeof word);
        for (size_t i = 0; i < 4 && good; i++)
            if (strcmp(word, inputs[i].word) == 0) {
                out->hessian = inputs[i].hessian;
                out->target = inputs[i].target;
            }
        good &= out->hessian >= 0;
    }
    while (good && *at == '+') {
        at++;
        good = take(&at, "@+", word, sizeof word);
        int *flag = strcmp(word, "refit") == 0   ? &out->refit
                    : strcmp(word, "swaps") == 0 ? &out->swaps
                                                 : NULL;
        good &= flag && !*flag;
        if (good)
            *flag = 1;
    }
    CHECK(good && *at == '\0', ERR_USAGE, "unknown method \"%.60s\": %s", text, EXPECTED);
    return OK;
}

err method_pattern(const char *text, int *keep, int *of, int *block) {
    int end = 0;
    *block = 1;
    int read = sscanf(text, "%4d:%4d%nx%3d%n", keep, of, &end, block, &end);
    CHECK(read >= 2 && text[end] == '\0' && *keep >= 1 && *keep < *of && *of <= 4096 &&
              *block >= 1 && *block <= 256,
          ERR_USAGE,
          "unknown pattern \"%.60s\": expected N:M, to keep N of M consecutive inputs, or N:MxC, N "
          "of M consecutive blocks of C inputs",
          text);
    return OK;
}
