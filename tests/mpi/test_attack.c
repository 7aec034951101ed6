/* the attack over ranks: what one rank alone finds, on any number of them; what a journal has is
 * not attacked again; an example that cannot be attacked stops nothing */
#include "agree.h"
#include "attack/transfer.h"
#include "base/arena.h"
#include "base/log.h"
#include "toy_attack.h"

#include <math.h>

enum { ROWS = 48, FIRST = 17 };

static par *p;
static char folder[4096], journal[4096];
static attack_options o;
static tokenizer *w;
static encoder *victim, *judge, *broken; /* broken answers nothing but NaN */
static dataset rows;

static err make_rows(dataset *d) {
    strbuf bytes = {0};
    err e;
    *d = (dataset){.n = ROWS, .K = TOY_LABELS, .name = "toy", .split = "test"};
    TRY(mem_alloc(ROWS + 1, sizeof *d->offset, &d->offset));
    TRY(mem_alloc(ROWS, sizeof *d->label, &d->label));
    for (int i = 0; i < ROWS; i++) {
        d->offset[i] = (int64_t)bytes.len;
        d->label[i] = i % TOY_LABELS;
        TRY(toy_text(i, &bytes));
        TRY(strbuf_add(&bytes, "", 1));
    }
    d->offset[ROWS] = (int64_t)bytes.len;
    d->bytes = bytes.text;
    bytes.text = NULL;
done:
    strbuf_free(&bytes);
    return e;
}

static err make_world(void) {
    char path[4096];
    CALL(path_join(path, folder, "vocab.txt"));
    CALL(tokenizer_open(path, &w));
    CALL(toy_victim(w->V, 3, &victim));
    CALL(toy_victim(w->V, 8, &judge));
    CALL(toy_victim(w->V, 3, &broken));
    broken->p.pool_b[0] = NAN;
    o = toy_options(folder);
    snprintf(o.similarity_source, sizeof o.similarity_source, "encoder");
    o.similarity_window = 6;
    o.similarity = 0.8;
    CALL(path_join(journal, folder, "journal"));
    return make_rows(&rows);
}

static void set_up(void) {
    agree_folder(p, folder);
    ck_all_ok(p, p->rank == 0 ? toy_write(folder) : OK);
    ck_all_ok(p, make_world());
    ck_all_ok(p, p->rank == 0 ? dir_make(journal) : OK);
}

static void tear_down(void) {
    tokenizer_close(&w);
    encoder_destroy(&victim);
    encoder_destroy(&judge);
    encoder_destroy(&broken);
    dataset_free(&rows);
    agree_remove(p, folder);
}

static err open_attack(attack **out) {
    attack_setup setup = {.o = &o, .w = w, .similarity = judge, .max_length = victim->c.P};
    return attack_open(&setup, out);
}

/* every row by attack_one, on this rank */
static err attack_alone(attack_result *r) {
    attack *a = NULL;
    encoder_ws *ws = NULL;
    err e;
    TRY(open_attack(&a));
    TRY(encoder_ws_create(&victim->c, &ws));
    for (int i = 0; i < ROWS; i++)
        TRY(attack_one(a, ws, victim, dataset_text(&rows, i), rows.label[i], &r[i]));
done:
    encoder_ws_destroy(&ws);
    attack_close(&a);
    return e;
}

static int same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static int same_changes(const attack_result *x, const attack_result *y) {
    int good = 1;
    for (int i = 0; i < x->changed; i++)
        good &= x->change[i].word == y->change[i].word &&
                strcmp(x->change[i].from, y->change[i].from) == 0 &&
                strcmp(x->change[i].to, y->change[i].to) == 0;
    return good;
}

/* field by field: a similarity that was not tested is any NaN */
static int same_queries(const attack_result *x, const attack_result *y) {
    int good = x->n_query == y->n_query;
    for (int i = 0; good && i < x->n_query; i++) {
        const attack_query *a = &x->query[i], *b = &y->query[i];
        good = a->text == b->text && same_bits(a->prob, b->prob) && a->predicted == b->predicted &&
               a->purpose == b->purpose && a->word == b->word && a->taken == b->taken &&
               same_bits(a->similarity, b->similarity);
    }
    return good;
}

static int same(const attack_result *x, const attack_result *y) {
    return x->outcome == y->outcome && x->label == y->label && x->words == y->words &&
           x->changed == y->changed && x->queries == y->queries && same_bits(x->prob, y->prob) &&
           same_bits(x->final_prob, y->final_prob) && same_bits(x->similarity, y->similarity) &&
           same_bits(x->rank_gap, y->rank_gap) && same_bits(x->margin, y->margin) &&
           x->n_order == y->n_order &&
           (x->n_order == 0 ||
            memcmp(x->order, y->order, (size_t)x->n_order * sizeof *x->order) == 0) &&
           strcmp(x->final_text, y->final_text) == 0 && same_changes(x, y) && same_queries(x, y);
}

static int all_same(const attack_result *x, const attack_result *y, int first, int last) {
    int good = 1;
    for (int i = first; i < last; i++)
        good &= same(&x[i], &y[i]);
    return good;
}

static void free_results(attack_result *r) {
    for (int i = 0; i < ROWS; i++)
        attack_result_free(&r[i]);
}

/* recipe, tokens of a batch, examples in flight */
static const struct {
    const char *recipe;
    int tokens, flight;
} ways[] = {{"textfooler", 0, 0},      {"textfooler", 60, 3},  {"textfooler-original", 500, 0},
            {"textbugger", 200, 5},    {"deepwordbug", 90, 0}, {"a2t", 100000, 30},
            {"textfooler", 100000, 40}};

START_TEST(ranks_find_what_one_finds) {
    attack *a = NULL;
    snprintf(o.recipe, sizeof o.recipe, "%s", ways[_i].recipe);
    o.batch_tokens = ways[_i].tokens;
    o.in_flight = ways[_i].flight;
    attack_result alone[ROWS] = {0}, shared[ROWS] = {0};
    attack_counts c = {0}, expected = {.n = ROWS};
    ck_all_ok(p, attack_alone(alone));
    ck_all_ok(p, open_attack(&a));
    ck_all_ok(p, attack_all(p, a, victim, &rows, NULL, "attack", "toy", shared, &c));
    ck_all(p, all_same(alone, shared, 0, ROWS));
    for (int i = 0; i < ROWS; i++) {
        const attack_result *r = &alone[i];
        expected.correct += r->outcome != ATTACK_SKIPPED;
        expected.success += r->outcome == ATTACK_SUCCESS;
        expected.failed += r->outcome == ATTACK_FAILED;
        expected.queries += r->outcome != ATTACK_SKIPPED ? r->queries : 0;
        expected.changed += r->outcome == ATTACK_SUCCESS ? r->changed : 0;
        expected.words += r->outcome == ATTACK_SUCCESS ? r->words : 0;
        expected.shares += r->outcome == ATTACK_SUCCESS ? 1.0 * r->changed / r->words : 0.0;
        expected.tested += r->outcome == ATTACK_SUCCESS && r->similarity >= 0.0;
        if (r->outcome == ATTACK_SUCCESS && r->similarity >= 0.0)
            expected.similarity += r->similarity;
    }
    ck_all(p, memcmp(&c, &expected, sizeof c) == 0);
    ck_all(p, c.success >= 2 && c.failed >= 2 && c.correct < c.n && c.tested >= 1);
    free_results(alone);
    free_results(shared);
    attack_close(&a);
}
END_TEST

/* the second run has a broken victim: it can only have right what the first one wrote down */
START_TEST(journal_is_not_attacked_again) {
    attack *a = NULL;
    attack_result whole[ROWS] = {0}, part[ROWS] = {0}, rest[ROWS] = {0}, again[ROWS] = {0};
    attack_counts c = {0};
    dataset first = rows;
    first.n = FIRST;
    ck_all_ok(p, open_attack(&a));
    ck_all_ok(p, attack_all(p, a, victim, &rows, NULL, "attack", "toy", whole, &c));
    ck_all_ok(p, attack_all(p, a, victim, &first, journal, "attack", "toy", part, &c));
    ck_all(p, c.n == FIRST && all_same(whole, part, 0, FIRST));
    ck_all_ok(p, attack_all(p, a, broken, &rows, journal, "attack", "toy", rest, &c));
    ck_all(p, all_same(whole, rest, 0, FIRST));
    ck_all(p, c.n == ROWS && c.errored == ROWS - FIRST);
    /* another model has units of its own */
    ck_all_ok(p, attack_all(p, a, victim, &rows, journal, "attack", "other", again, &c));
    ck_all(p, all_same(whole, again, 0, ROWS) && c.errored == 0);
    free_results(whole);
    free_results(part);
    free_results(rest);
    free_results(again);
    attack_close(&a);
}
END_TEST

START_TEST(errors_are_recorded) {
    attack *a = NULL;
    attack_result r[ROWS] = {0};
    attack_counts c = {0};
    int named = 1;
    int32_t label = rows.label[4];
    rows.label[4] = TOY_LABELS; /* no such class */
    ck_all_ok(p, open_attack(&a));
    ck_all_ok(p, attack_all(p, a, victim, &rows, journal, "attack", "toy", r, &c));
    ck_all(p, c.n == ROWS && c.errored == 1 && r[4].outcome == ATTACK_ERRORED);
    ck_all(p, strstr(r[4].final_text, "classes") != NULL);
    free_results(r);
    rows.label[4] = label;
    ck_all_ok(p, attack_all(p, a, broken, &rows, NULL, "attack", "toy", r, &c));
    for (int i = 0; i < ROWS; i++)
        named &= r[i].outcome == ATTACK_ERRORED && strstr(r[i].final_text, "finite") != NULL;
    ck_all(p, c.errored == ROWS && c.correct == 0 && named);
    free_results(r);
    attack_close(&a);
}
END_TEST

/* the slow way: an attack of one query says by `skipped` that the model is wrong */
static err wrong(const encoder *m, const char *text, int label, int *out) {
    attack_options one = o;
    attack *a = NULL;
    encoder_ws *ws = NULL;
    attack_result r = {0};
    err e;
    one.query_budget = 1;
    attack_setup setup = {.o = &one, .w = w, .similarity = judge, .max_length = m->c.P};
    TRY(attack_open(&setup, &a));
    TRY(encoder_ws_create(&m->c, &ws));
    TRY(attack_one(a, ws, m, text, label, &r));
    *out = r.outcome == ATTACK_SKIPPED;
done:
    attack_result_free(&r);
    encoder_ws_destroy(&ws);
    attack_close(&a);
    return e;
}

static err count_slowly(const attack_result *on, const encoder *m, transfer_counts *c) {
    *c = (transfer_counts){0};
    for (int i = 0; i < ROWS; i++) {
        int before, after;
        if (on[i].outcome != ATTACK_SUCCESS)
            continue;
        CALL(wrong(m, dataset_text(&rows, i), rows.label[i], &before));
        CALL(wrong(m, on[i].final_text, rows.label[i], &after));
        c->made++;
        c->right += !before;
        c->fooled += !before && after;
    }
    return OK;
}

/* the second time everything is in the journal: a broken model finds the same */
START_TEST(texts_are_tried_on_others) {
    const encoder *models[] = {victim, judge};
    attack_result found[2][ROWS] = {0};
    const attack_result *results[] = {found[0], found[1]};
    transfer_counts got[2], again[2], slow;
    attack_counts c;
    attack *a = NULL;
    transfer *t = NULL;
    ck_all_ok(p, open_attack(&a));
    for (int i = 0; i < 2; i++)
        ck_all_ok(p, attack_all(p, a, models[i], &rows, NULL, "attack", "toy", found[i], &c));
    ck_all_ok(p, transfer_create(results, 2, ROWS, w, victim->c.P, &t));
    for (int b = 0; b < 2; b++) {
        ck_all_ok(p, transfer_try(p, t, models[b], b, b ? "judge" : "victim", journal, got));
        ck_all_ok(p, transfer_try(p, t, broken, b, b ? "judge" : "victim", journal, again));
        ck_all(p, memcmp(got, again, sizeof got) == 0);
        for (int m = 0; m < 2; m++) {
            ck_all_ok(p, count_slowly(found[m], models[b], &slow));
            ck_all(p, memcmp(&slow, &got[m], sizeof slow) == 0);
        }
        ck_all(p, got[b].fooled == got[b].made && got[b].right == got[b].made && got[b].made > 0);
        ck_all(p, got[1 - b].fooled < got[1 - b].made);
    }
    transfer_destroy(&t);
    free_results(found[0]);
    free_results(found[1]);
    attack_close(&a);
}
END_TEST

/* a model of another number of classes is refused at once */
START_TEST(other_classes) {
    attack *a = NULL;
    attack_result r[ROWS] = {0};
    attack_counts c = {0};
    dataset other = rows;
    other.K = TOY_LABELS + 1;
    ck_all_ok(p, open_attack(&a));
    ck_all(p, attack_all(p, a, victim, &other, NULL, "attack", "toy", r, &c) == ERR_DATA);
    ck_all(p, strstr(err_message(), "3 classes") != NULL);
    other = rows;
    strcpy(other.label_name[0], "negative");
    strcpy(other.label_name[1], "positive");
    strcpy(victim->c.label[0], "Positive");
    ck_all(p, attack_all(p, a, victim, &other, NULL, "attack", "toy", r, &c) == ERR_DATA);
    ck_all(p,
           strstr(err_message(), "class 0 of the model toy is Positive, which is class 1") != NULL);
    attack_close(&a);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &p) != OK)
        return 1;
    log_open(1, LOG_QUIET); /* as on a rank that is silent: the warnings are wanted here */
    TCase *t = tcase_create("ranks");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, ranks_find_what_one_finds, 0, 7);
    tcase_add_test(t, journal_is_not_attacked_again);
    tcase_add_test(t, errors_are_recorded);
    tcase_add_test(t, texts_are_tried_on_others);
    tcase_add_test(t, other_classes);
    return agree_run("attack", t, &p);
}
