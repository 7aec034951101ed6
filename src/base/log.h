/* log.h: what a person reads while it runs. Rank 0 speaks; other ranks are silent.
 *
 * Lines go to standard error, so that standard output carries results only. */
#ifndef ESPALIER_BASE_LOG_H
#define ESPALIER_BASE_LOG_H

typedef enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE } log_level;

/* Called once by a job's main, after MPI has started: only rank 0 prints. */
void log_open(int rank, log_level level);

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));    /* normal */
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* --verbose */
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "warning: …" */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));   /* "error: …" */

/* 1 where progress may rewrite its line: standard error is a terminal and this rank speaks. */
int log_is_terminal(void);
int log_speaks(void);

#endif
