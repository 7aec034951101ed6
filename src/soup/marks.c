#include "soup/marks.h"

#include "eval/metrics.h"

#include <math.h>
#include <stddef.h>

static int64_t count(const uint8_t *x, int n) {
    int64_t k = 0;
    for (int i = 0; i < n; i++)
        k += x[i];
    return k;
}

int64_t marks_right(const marks *a) {
    return count(a->right, a->n);
}

int64_t marks_sturdy(const marks *a) {
    return count(a->sturdy, a->m);
}

double marks_score(const marks *a, double weight) {
    double score = 0.0;
    if (weight > 0.0)
        score += weight * ratio(marks_sturdy(a), a->m);
    if (weight < 1.0)
        score += (1.0 - weight) * ratio(marks_right(a), a->n);
    return score;
}

/* what one example adds to the score: share (1 / m or 1 / n) times its mark */
typedef struct stratum {
    int64_t n;
    double sum, squares;
} stratum;

static void add(stratum *s, double x) {
    s->n++;
    s->sum += x;
    s->squares += x * x;
}

/* n times the sample variance: the variance of the sum of n independent draws */
static double variance(const stratum *s) {
    if (s->n < 2)
        return 0.0;
    const double n = (double)s->n, within = s->squares - s->sum * s->sum / n;
    return within > 0.0 ? within * n / (n - 1.0) : 0.0;
}

static int mark(const uint8_t *b, const uint8_t *a, int i) {
    return a ? b[i] - a[i] : b[i];
}

/* of the score of b, or with a of the difference b - a. With Acc alone all examples are of one
 * kind. */
static double error_of(const marks *b, const marks *a, double weight) {
    stratum attacked = {0}, others = {0};
    const double aua = weight > 0.0 ? weight / b->m : 0.0, acc = (1.0 - weight) / b->n;
    for (int i = 0, k = 0; i < b->n; i++) {
        const int probed = weight > 0.0 && k < b->m && b->probe[k] == i;
        double x = acc * mark(b->right, a ? a->right : NULL, i);
        if (probed)
            x += aua * mark(b->sturdy, a ? a->sturdy : NULL, k++);
        if (probed || weight < 1.0)
            add(probed ? &attacked : &others, x);
    }
    return sqrt(variance(&attacked) + variance(&others));
}

double marks_error(const marks *a, double weight) {
    return error_of(a, NULL, weight);
}

comparison marks_compare(const marks *a, const marks *b, double weight) {
    comparison c = {.difference = marks_score(b, weight) - marks_score(a, weight),
                    .error = error_of(b, a, weight)};
    const int attacked = weight > 0.0, n = attacked ? b->m : b->n;
    for (int i = 0; i < n; i++) {
        const int d = attacked ? b->sturdy[i] - a->sturdy[i] : b->right[i] - a->right[i];
        c.gained += d > 0;
        c.lost += d < 0;
    }
    c.p = weight > 0.0 && weight < 1.0 ? (double)NAN : mcnemar(c.gained, c.lost);
    return c;
}
