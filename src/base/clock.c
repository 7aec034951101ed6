#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void clock_utc(char out[21]) {
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* whole numbers between colons: part (3); returns how many, 0 for anything else */
static int parts_of(const char *text, double part[3]) {
    for (int n = 0; n < 3; n++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 9)
            return 0;
        part[n] = atof(text);
        text += digits;
        if (*text == '\0')
            return n + 1;
        if (*text++ != ':')
            return 0;
    }
    return 0;
}

double clock_span(const char *text) {
    double part[3] = {0};
    const char *dash = strchr(text, '-');
    if (dash != NULL) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 9 || text + digits != dash || parts_of(dash + 1, part) == 0)
            return -1;
        return 86400 * atof(text) + 3600 * part[0] + 60 * part[1] + part[2];
    }
    switch (parts_of(text, part)) {
    case 1:
        return 60 * part[0];
    case 2:
        return 60 * part[0] + part[1];
    case 3:
        return 3600 * part[0] + 60 * part[1] + part[2];
    default:
        return -1;
    }
}
