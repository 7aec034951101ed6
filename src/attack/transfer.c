#include "attack/transfer.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "eval/accuracy.h"
#include "io/hash.h"
#include "work/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct transfer {
    const attack_result *const *results;
    int models;
    dataset d;    /* the texts, model by model, each with its true class */
    examples x;   /* the same as tokens */
    int32_t *of;  // (d.n) which model a text was made on
    int32_t *row; // (d.n) and of which example
    uint64_t key; /* hash of all texts */
};

static int64_t count_texts(const attack_result *const *results, int models, int n, size_t *bytes) {
    int64_t texts = 0;
    *bytes = 0;
    for (int a = 0; a < models; a++)
        for (int i = 0; i < n; i++)
            if (results[a][i].outcome == ATTACK_SUCCESS) {
                texts++;
                *bytes += strlen(results[a][i].final_text) + 1;
            }
    return texts;
}

static void add_text(transfer *t, int a, int row) {
    const attack_result *r = &t->results[a][row];
    const size_t n = strlen(r->final_text) + 1;
    const int i = t->d.n++;
    memcpy(t->d.bytes + t->d.offset[i], r->final_text, n);
    t->d.offset[i + 1] = t->d.offset[i] + (int64_t)n;
    t->d.label[i] = r->label;
    t->of[i] = a;
    t->row[i] = row;
}

static err fill(transfer *t, int n) {
    size_t bytes;
    const int64_t texts = count_texts(t->results, t->models, n, &bytes);
    CHECK(texts < INT32_MAX, ERR_FAILED, "too many adversarial texts: %lld", (long long)texts);
    CALL(mem_alloc((size_t)texts + 2, sizeof *t->d.offset, &t->d.offset));
    CALL(mem_alloc((size_t)texts + 1, sizeof *t->d.label, &t->d.label));
    CALL(mem_alloc(bytes + 1, 1, &t->d.bytes));
    CALL(mem_alloc((size_t)texts + 1, sizeof *t->of, &t->of));
    CALL(mem_alloc((size_t)texts + 1, sizeof *t->row, &t->row));
    for (int a = 0; a < t->models; a++)
        for (int i = 0; i < n; i++)
            if (t->results[a][i].outcome == ATTACK_SUCCESS)
                add_text(t, a, i);
    t->key = hash_u64(t->d.bytes, bytes);
    return OK;
}

err transfer_create(const attack_result *const *results, int models, int n, const tokenizer *w,
                    int max_length, transfer **out) {
    transfer *t = NULL;
    err e;
    TRY(mem_alloc(1, sizeof *t, &t));
    t->results = results;
    t->models = models;
    TRY(fill(t, n));
    TRY(examples_make(&t->d, w, max_length, &t->x));
    *out = t;
    t = NULL;
done:
    transfer_destroy(&t);
    return e;
}

void transfer_destroy(transfer **t) {
    if (!*t)
        return;
    dataset_free(&(*t)->d);
    examples_free(&(*t)->x);
    free((*t)->of);
    free((*t)->row);
    free(*t);
    *t = NULL;
}

typedef struct trial {
    const transfer *t;
    const encoder *m;
    encoder_ws *ws;
} trial;

/* one batch: which of its texts m gets right, as a number in hexadecimal */
static err try_batch(void *state, int64_t unit, strbuf *record) {
    const trial *k = state;
    uint64_t right;
    CALL(accuracy_batch(k->ws, k->m, &k->t->x, (int)unit, &right));
    return strbuf_printf(record, "{\"right\":\"%016llx\"}", (unsigned long long)right);
}

/* what one record says of the texts from first on */
static err count_batch(const transfer *t, int b, int first, const char *record,
                       transfer_counts *counts) {
    unsigned long long right;
    CHECK(sscanf(record, "{\"right\":\"%16llx\"}", &right) == 1, ERR_DATA,
          "journal of transfer: a record is not what it should be: %.80s", record);
    for (int i = first; i < first + ACCURACY_BATCH && i < t->d.n; i++) {
        const attack_result *own = &t->results[b][t->row[i]];
        const int knows = own->outcome == ATTACK_SUCCESS || own->outcome == ATTACK_FAILED;
        transfer_counts *c = &counts[t->of[i]];
        c->made++;
        c->right += knows;
        c->fooled += knows && !(right >> (i - first) & 1);
    }
    return OK;
}

err transfer_try(const par *p, const transfer *t, const encoder *m, int b, const char *name,
                 const char *journal_dir, transfer_counts *counts) {
    trial k = {.t = t, .m = m};
    char key[128], **records = NULL;
    const int64_t batches = (t->d.n + ACCURACY_BATCH - 1) / ACCURACY_BATCH;
    err e;
    memset(counts, 0, (size_t)t->models * sizeof *counts);
    TRY(par_agree(p, encoder_ws_create(&m->c, &k.ws)));
    snprintf(key, sizeof key, "%.64s %016llx", name, (unsigned long long)t->key);
    units u = {.p = p, .dir = journal_dir, .stage = "transfer", .key = key, .n = batches};
    TRY(units_run(&u, try_batch, &k, &records));
    for (int64_t i = 0; i < batches && e == OK; i++)
        e = count_batch(t, b, (int)i * ACCURACY_BATCH, records[i], counts);
    e = par_agree(p, e);
done:
    units_free(&records, batches);
    encoder_ws_destroy(&k.ws);
    return e;
}
