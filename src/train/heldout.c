#include "train/heldout.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

err heldout_open(const par *p, const examples *x, int B, heldout_set *out) {
    *out = (heldout_set){.p = p, .x = x, .B = B < x->n ? B : x->n};
    CALL(packer_create(x, out->B, &out->pack));
    CALL(mem_alloc((size_t)x->n, sizeof *out->rows, &out->rows));
    for (int32_t i = 0; i < x->n; i++)
        out->rows[i] = i;
    return mem_alloc((size_t)(x->n / out->B) + 1, sizeof *out->table, &out->table);
}

void heldout_close(heldout_set *h) {
    packer_destroy(&h->pack);
    free(h->rows);
    free(h->table);
    *h = (heldout_set){0};
}

err heldout_loss(heldout_set *h, encoder_ws *ws, const encoder *m, double *loss) {
    int n = h->x->n, batches = (n + h->B - 1) / h->B;
    err mine = OK;
    memset(h->table, 0, (size_t)batches * sizeof *h->table);
    for (int i = h->p->rank; i < batches && mine == OK; i += h->p->size) {
        int first = i * h->B, B = n - first < h->B ? n - first : h->B;
        double sum = 0.0;
        batch b;
        mine = packer_pack(h->pack, h->rows + first, B, &b);
        if (mine == OK)
            mine = encoder_classify_step(ws, m, &b, NULL, 1.0f, NULL, &sum);
        memcpy(&h->table[i], &sum, sizeof sum);
    }
    CALL(par_agree(h->p, mine));
    /* an entry is set by one rank and 0 on the others: the sum of the bits is the float64 */
    CALL(par_sum_i64(h->p, h->table, (size_t)batches));
    double total = 0.0;
    for (int i = 0; i < batches; i++) {
        double sum;
        memcpy(&sum, &h->table[i], sizeof sum);
        total += sum;
    }
    *loss = total / n;
    return OK;
}
