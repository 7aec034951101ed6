/* what pruning changed: [CLS] vectors and attention, curves along sparsity and calibration */
#include "report/table.h"

#include <math.h>
#include <string.h>

/* rows first … end - 1 of /drift are one model's on one kind of text, embeddings first */
static err drift_cells(const store_content *c, size_t first, size_t end, grid *g) {
    const store_drift *d = c->drift + first, *last = c->drift + end - 1;
    double distance = 0.0, attention = 0.0, blocks = (double)(end - first - 1);
    for (const store_drift *l = d + 1; l <= last; l++) {
        distance += l->distance / blocks;
        attention += l->attention / blocks;
    }
    CALL(grid_cell(g, "%s", d->model));
    CALL(grid_cell(g, "%s", d->texts));
    CALL(grid_cell(g, "%lld", (long long)d->n));
    CALL(grid_cell(g, "%.3f", distance));
    CALL(grid_cell(g, "%.3f", last->distance));
    CALL(grid_cell(g, "%.3f", last->relative));
    CALL(grid_cell(g, "%.4f", last->cosine));
    return grid_cell(g, "%.3f", attention);
}

static int same_part(const store_drift *a, const store_drift *b) {
    return strcmp(a->model, b->model) == 0 && strcmp(a->texts, b->texts) == 0;
}

err table_drift(const store_content *c, grid *g) {
    *g =
        (grid){.title = "What pruning changed",
               .note = "[CLS] vectors against the dense model's: mean distance over all blocks, "
                       "and of the last block's output, also over the vector's length, and "
                       "cosine.\n"
                       "  Attention: mean total variation between what tokens attend to. Attacked: "
                       "texts as the attack on the dense model left them."};
    grid_column(g, 'l', "Model");
    grid_column(g, 'l', "Texts");
    grid_column(g, 'r', "n");
    grid_column(g, 'r', "Distance");
    grid_column(g, 'r', "last block");
    grid_column(g, 'r', "relative");
    grid_column(g, 'r', "Cosine");
    grid_column(g, 'r', "Attention");
    for (size_t first = 0, end; first < c->n_drift; first = end) {
        end = first + 1;
        while (end < c->n_drift && same_part(&c->drift[end], &c->drift[first]))
            end++;
        CALL(drift_cells(c, first, end, g));
    }
    return OK;
}

/* a single point is no curve */
static int is_curve(const store_content *c, const store_curve *r) {
    int n = 0;
    for (size_t i = 0; i < c->n_curves; i++)
        n += strcmp(c->curves[i].axis, r->axis) == 0 && strcmp(c->curves[i].method, r->method) == 0;
    return n > 1;
}

err table_curves(const store_content *c, grid *g) {
    *g = (grid){.title = "Pruning along sparsity and size of calibration",
                .note = "At: share of the weights removed, or sentences. Error: mean over linear "
                        "layers, as under pruned layers."};
    grid_column(g, 'l', "Axis");
    grid_column(g, 'l', "Method");
    grid_column(g, 'r', "At");
    grid_column(g, 'r', "n");
    grid_column(g, 'r', "Acc");
    grid_column(g, 'r', "Aua");
    grid_column(g, 'r', "Asr");
    grid_column(g, 'r', "Error");
    for (size_t i = 0; i < c->n_curves; i++) {
        const store_curve *r = &c->curves[i];
        if (!is_curve(c, r))
            continue;
        CALL(grid_cell(g, "%s", r->axis));
        CALL(grid_cell(g, "%s", r->method));
        CALL(grid_cell(g, "%g", r->at));
        CALL(grid_cell(g, "%lld", (long long)r->n));
        CALL(grid_percent(g, r->acc));
        CALL(grid_percent(g, r->aua));
        CALL(grid_percent(g, r->asr));
        CALL(grid_number(g, 4, r->error));
    }
    return OK;
}
