#include "eval/spread.h"

#include <math.h>

spread spread_of(const double *x, int n) {
    spread s = {.mean = (double)NAN, .sd = (double)NAN, .low = (double)NAN, .high = (double)NAN};
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++) {
        if (isnan(x[i]))
            continue;
        s.low = s.n == 0 ? x[i] : fmin(s.low, x[i]);
        s.high = s.n == 0 ? x[i] : fmax(s.high, x[i]);
        sum += x[i];
        s.n++;
    }
    if (s.n == 0)
        return s;
    s.mean = sum / s.n;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            squares += (x[i] - s.mean) * (x[i] - s.mean);
    if (s.n > 1)
        s.sd = sqrt(squares / (s.n - 1));
    return s;
}
