/* preempt.h: being asked to stop: by SIGUSR1, SIGUSR2, SIGTERM or SIGINT, by a limit of time, by a
 * file, or by a test. Whatever it was sets a flag that stays; loops ask for it at their boundaries
 * (a step, a unit of work), publish a checkpoint and leave with ERR_STOPPED.
 *
 * A second signal ends the process at once with exit code 75. Launchers and batch systems send one
 * request by several ways at the same time, so a signal within a second of the first is the first.
 * A limit on file sizes (SIGXFSZ) does not end the process: the write fails and is reported like a
 * full disk. */
#ifndef ESPALIER_PAR_PREEMPT_H
#define ESPALIER_PAR_PREEMPT_H

#include "par/par.h"

/* Take over the signals; time is counted from here. Not collective. */
void preempt_install(void);

/* Stop so that the run has ended this many seconds after preempt_install: what two of the longest
 * ways between boundaries so far would take, and three seconds for the end, are kept in reserve,
 * but never more than half of the time. 0: no limit. Not collective; the same on every rank. */
void preempt_limit(double seconds);

/* Stop once this file exists; looked at every two seconds. The text is kept, not copied; NULL:
 * none. Not collective; the same on every rank. */
void preempt_watch(const char *file);

/* For tests: this process sends itself SIGUSR1 at its boundary number `boundary`, counted from 1;
 * 0: never. Not collective. */
void preempt_interrupt(int64_t boundary);

/* A boundary: 1 if this rank was asked to stop. Not collective. */
int preempt_asked(void);

/* A boundary of all ranks: ERR_STOPPED on every rank if any rank was asked, else OK. Collective. */
err preempt_agree(const par *p);

/* ERR_STOPPED, whose message says by what this rank was asked to stop. Not collective. */
err preempt_raise(void);

/* 1 if it was a person (SIGINT, the file) who asked, not a batch system. Not collective. */
int preempt_by_person(void);

#endif
