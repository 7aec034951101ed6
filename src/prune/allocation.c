#include "prune/allocation.h"

#include "base/arena.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows of a linear ---- */

/* rows in a heap by what their next removal costs, the cheapest first */
typedef struct heap {
    const double *loss; // (rows, d)
    int d, n;
    int *row;   // (n)
    int *count; // (rows)
} heap;

static int cheaper(const heap *h, int a, int b) {
    double x = h->loss[(size_t)a * (size_t)h->d + (size_t)h->count[a]];
    double y = h->loss[(size_t)b * (size_t)h->d + (size_t)h->count[b]];
    return x < y || (x == y && a < b);
}

static void sink(heap *h, int i) {
    for (;;) {
        int least = i, left = 2 * i + 1;
        for (int k = left; k < h->n && k <= left + 1; k++)
            if (cheaper(h, h->row[k], h->row[least]))
                least = k;
        if (least == i)
            return;
        int row = h->row[i];
        h->row[i] = h->row[least];
        h->row[least] = row;
        i = least;
    }
}

err allocation_rows(const double *loss, int rows, int d, int64_t total, int *count) {
    heap h = {.loss = loss, .d = d, .n = rows, .count = count};
    CALL(mem_alloc((size_t)rows + 1, sizeof *h.row, &h.row));
    for (int i = 0; i < rows; i++) {
        h.row[i] = i;
        count[i] = 0;
    }
    for (int i = rows / 2; i >= 0 && d > 0; i--)
        sink(&h, i);
    for (int64_t t = 0; t < total && h.n > 0; t++) {
        if (++count[h.row[0]] == d)
            h.row[0] = h.row[--h.n];
        sink(&h, 0);
    }
    free(h.row);
    return OK;
}

/* ---- linears of a model ---- */

typedef struct table {
    const double *cost;     // (L, S)
    const int64_t *removed; // (L, S)
    int L, S, steps;
    int64_t most;  /* sum of the largest choices */
    double *least; // (L + 1, steps + 1) cost of the first l that remove at least so many steps
    int *by;       // (L, steps + 1) the choice of linear l that makes it
} table;

/* whole steps that choice c of linear l counts for */
static int steps_of(const table *t, int l, int c) {
    return t->most > 0 ? (int)((double)t->removed[l * t->S + c] / (double)t->most * t->steps) : 0;
}

static int largest(const table *t, int l) {
    int top = 0;
    for (int c = 1; c < t->S; c++)
        if (t->removed[l * t->S + c] > t->removed[l * t->S + top])
            top = c;
    return top;
}

static void table_fill(table *t) {
    size_t n = (size_t)t->steps + 1;
    for (size_t i = 1; i < n; i++)
        t->least[i] = INFINITY;
    for (int l = 0; l < t->L; l++) {
        const double *before = t->least + (size_t)l * n;
        double *now = t->least + ((size_t)l + 1) * n;
        for (int i = 0; i < (int)n; i++)
            now[i] = INFINITY;
        for (int c = 0; c < t->S; c++) {
            int k = steps_of(t, l, c);
            for (int i = 0; i < (int)n; i++) {
                double sum = t->cost[l * t->S + c] + before[k < i ? i - k : 0];
                if (sum < now[i]) {
                    now[i] = sum;
                    t->by[(size_t)l * n + (size_t)i] = c;
                }
            }
        }
    }
}

/* the best choices that remove at least i steps; how many weights they remove, -1: there are none
 */
static int64_t table_read(const table *t, int i, int *choice) {
    size_t n = (size_t)t->steps + 1;
    int64_t sum = 0;
    if (isinf(t->least[(size_t)t->L * n + (size_t)i]))
        return -1;
    for (int l = t->L - 1; l >= 0; l--) {
        choice[l] = t->by[(size_t)l * n + (size_t)i];
        sum += t->removed[l * t->S + choice[l]];
        int k = steps_of(t, l, choice[l]);
        i = k < i ? i - k : 0;
    }
    return sum;
}

err allocation_linears(const double *cost, const int64_t *removed, int L, int S, int64_t total,
                       int steps, int *choice) {
    err e;
    table t = {.cost = cost, .removed = removed, .L = L, .S = S, .steps = steps};
    size_t n = (size_t)steps + 1;
    for (int l = 0; l < L; l++)
        t.most += removed[l * S + largest(&t, l)];
    TRY(mem_alloc(((size_t)L + 1) * n, sizeof *t.least, &t.least));
    TRY(mem_alloc((size_t)L * n, sizeof *t.by, &t.by));
    ENSURE(total <= t.most, ERR_USAGE,
           "allocation: the linears can lose %lld weights at most, %lld are wanted",
           (long long)t.most, (long long)total);
    table_fill(&t);
    /* every linear's weights are rounded down to steps: fewer than L steps below the true sum */
    int i = t.most > 0 ? (int)((double)total / (double)t.most * steps) - L : 0;
    int64_t sum = -1;
    for (i = i > 0 ? i : 0; i <= steps && sum < total; i++) {
        sum = table_read(&t, i, choice);
        if (sum < 0)
            break;
    }
    for (int l = 0; l < L && sum < total; l++)
        choice[l] = largest(&t, l);
done:
    free(t.least);
    free(t.by);
    return e;
}

/* ---- from a file ---- */

/* one line of the file into sparsity; seen (L) */
static err read_line(const char *file, int number, char *line, const int *block,
                     const char *const *linear, int L, double *sparsity, char *seen) {
    char name[64];
    int at, end = 0;
    double s;
    line[strcspn(line, "#\r\n")] = '\0';
    if (line[strspn(line, " \t")] == '\0')
        return OK;
    CHECK(sscanf(line, "%d %63s %lf %n", &at, name, &s, &end) == 3 && line[end] == '\0', ERR_DATA,
          "%s:%d: expected block, linear and sparsity, such as 0<TAB>query<TAB>0.5", file, number);
    CHECK(s >= 0.0 && s <= 1.0, ERR_DATA, "%s:%d: sparsity %g is not in [0, 1]", file, number, s);
    for (int l = 0; l < L; l++)
        if (block[l] == at && strcmp(linear[l], name) == 0) {
            CHECK(!seen[l], ERR_DATA, "%s:%d: block %d %s a second time", file, number, at, name);
            seen[l] = 1;
            sparsity[l] = s;
            return OK;
        }
    RAISE(ERR_DATA, "%s:%d: the model has no linear %s in block %d", file, number, name, at);
}

err allocation_read(const char *file, const int *block, const char *const *linear, int L,
                    double *sparsity) {
    err e = OK;
    char *line = NULL, *seen = NULL;
    size_t room = 0;
    FILE *f = fopen(file, "r");
    CHECK(f, ERR_IO, "%s: %s", file, strerror(errno));
    TRY(mem_alloc((size_t)L + 1, 1, &seen));
    for (int number = 1; getline(&line, &room, f) >= 0; number++)
        TRY(read_line(file, number, line, block, linear, L, sparsity, seen));
    ENSURE(!ferror(f), ERR_IO, "%s: cannot be read", file);
    for (int l = 0; l < L; l++)
        ENSURE(seen[l], ERR_DATA, "%s: no line for block %d %s", file, block[l], linear[l]);
done:
    free(line);
    free(seen);
    fclose(f);
    return e;
}
