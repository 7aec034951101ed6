#include "config/nearest.h"

#include <limits.h>
#include <string.h>

enum { LONGEST = 63 };

static int least(int a, int b) {
    return a < b ? a : b;
}

int nearest_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return INT_MAX;
    int d[LONGEST + 1][LONGEST + 1]; /* d[i][j]: first i of a to first j of b */
    for (size_t i = 0; i <= n; i++)
        d[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            d[i][j] = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(d[i][j], least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

/* characters that two names begin with alike */
static int shared(const char *a, const char *b) {
    int n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

void nearest_offer(nearest *n, const char *name) {
    int distance = nearest_distance(n->word, name), allowed = (int)strlen(n->word) / 3;
    if (distance > (allowed > 1 ? allowed : 1))
        return;
    int closer = !n->best || distance < n->distance;
    int begins =
        !closer && distance == n->distance && shared(n->word, name) > shared(n->word, n->best);
    if (closer || begins) {
        n->best = name;
        n->distance = distance;
    }
}
