#include "sweep/record.h"

#include "config/variants.h"
#include "io/hash.h"
#include "io/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what a variant is, in 16 hex digits */
static err identify(const variant *v, char out[17]) {
    strbuf line = {0};
    err e = variants_line(v, &line);
    if (e == OK)
        snprintf(out, 17, "%016" PRIx64, hash_u64(line.text, line.len));
    strbuf_free(&line);
    return e;
}

static json_t *real_or_null(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

err record_write(const variant *v, const sweep_result *r, strbuf *out) {
    const train_result *t = &r->train;
    char options[17];
    CALL(identify(v, options));
    json_t *j = json_pack(
        "{ss ss si si sI sI so so sI sI so si sI sI so}", "name", v->name, "options", options,
        "diverged", t->diverged, "given_up", r->given_up, "steps", (json_int_t)t->steps, "tokens",
        (json_int_t)t->tokens, "first_loss", real_or_null(t->first_loss), "last_loss",
        real_or_null(t->last_loss), "n", (json_int_t)r->heldout.n, "correct",
        (json_int_t)r->heldout.correct, "loss", real_or_null(r->heldout.loss), "stopped_early",
        t->stopped_early, "evaluations", (json_int_t)t->evaluations, "best_step",
        (json_int_t)t->best_step, "best_loss", real_or_null(t->best_loss));
    char *text = j != NULL ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(j);
    CHECK(text != NULL, ERR_FAILED, "no memory for the record of variant %s", v->name);
    err e = strbuf_add(out, text, strlen(text));
    free(text);
    return e;
}

static err real_or_nan(const json_t *j, const char *what, const char *key, double *out) {
    *out = (double)NAN;
    return json_is_null(json_object_get(j, key)) ? OK : json_get_real(j, what, key, out);
}

static err flag(const json_t *j, const char *what, const char *key, int *out) {
    int64_t x;
    CALL(json_get_int(j, what, key, 0, 1, &x));
    *out = (int)x;
    return OK;
}

static err count(const json_t *j, const char *what, const char *key, int64_t *out) {
    return json_get_int(j, what, key, 0, INT64_MAX, out);
}

static err record_fields(const json_t *j, const char *what, const variant *v, sweep_result *r) {
    train_result *t = &r->train;
    const char *options;
    char mine[17];
    CALL(json_get_text(j, what, "options", &options));
    CALL(identify(v, mine));
    CHECK(
        strcmp(options, mine) == 0, ERR_DATA,
        "%s: was trained with other options: give the variant another name, or remove the study's "
        "folder",
        what);
    CALL(flag(j, what, "diverged", &t->diverged));
    CALL(flag(j, what, "given_up", &r->given_up));
    CALL(count(j, what, "steps", &t->steps));
    CALL(count(j, what, "tokens", &t->tokens));
    CALL(real_or_nan(j, what, "first_loss", &t->first_loss));
    CALL(real_or_nan(j, what, "last_loss", &t->last_loss));
    CALL(count(j, what, "n", &r->heldout.n));
    CALL(count(j, what, "correct", &r->heldout.correct));
    CALL(real_or_nan(j, what, "loss", &r->heldout.loss));
    CALL(flag(j, what, "stopped_early", &t->stopped_early));
    CALL(count(j, what, "evaluations", &t->evaluations));
    CALL(count(j, what, "best_step", &t->best_step));
    return real_or_nan(j, what, "best_loss", &t->best_loss);
}

err record_read(const char *text, const variant *v, sweep_result *out) {
    char what[VARIANT_NAME_BYTES + 32];
    json_t *j;
    snprintf(what, sizeof what, "record of variant %s", v->name);
    CALL(json_parse(text, what, &j));
    *out = (sweep_result){.rank = -1};
    err e = record_fields(j, what, v, out);
    json_decref(j);
    return e;
}
