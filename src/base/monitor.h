/* monitor.h: progress of a loop. Loops report; the monitor decides what is seen: one rewritten line
 * on a terminal, two lines a minute in a log file, nothing on ranks other than 0. */
#ifndef ESPALIER_BASE_MONITOR_H
#define ESPALIER_BASE_MONITOR_H

#include <stdint.h>

typedef struct monitor {
    char stage[64];
    const char *unit; /* "steps", "examples", "blocks" */
    int64_t total, done;
    int64_t before; /* done by an earlier run; set by the loop after monitor_begin */
    int64_t tokens; /* since then, counted by the loop; 0: no tokens here */
    double start, shown;
} monitor;

void monitor_begin(monitor *m, const char *stage, const char *unit, int64_t total);
void monitor_step(monitor *m, int64_t done, double loss); /* loss: NaN where there is none */
void monitor_end(monitor *m);                             /* a closing line with time and rate */

#endif
