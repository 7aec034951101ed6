/* clock.h: wall time for rates and reports; never an input of a computation. */
#ifndef ESPALIER_BASE_CLOCK_H
#define ESPALIER_BASE_CLOCK_H

/* Seconds of a monotonic clock with an arbitrary zero. Not collective. */
double clock_now(void);

/* Write the UTC time as "2026-01-31T12:00:00Z" into out (21 bytes with the NUL). */
void clock_utc(char out[21]);

/* Seconds of a time as batch systems write it: MINUTES, MINUTES:SECONDS, HOURS:MINUTES:SECONDS or
 * DAYS-HOURS with or without the rest; -1 for any other text. Not collective. */
double clock_span(const char *text);

#endif
