/* preempt.h: being asked to stop. SIGUSR1, SIGUSR2, SIGTERM and SIGINT set a flag; a second signal
 * ends the process at once with exit code 75. A limit on file sizes (SIGXFSZ) does not end it: the
 * write fails and is reported like a full disk. */
#ifndef ESPALIER_PAR_PREEMPT_H
#define ESPALIER_PAR_PREEMPT_H

#include "par/par.h"

void preempt_install(void);
/* 1 once this rank was asked to stop. Not collective. */
int preempt_asked(void);
/* ERR_STOPPED on every rank if any rank was asked, else OK. Collective. */
err preempt_agree(const par *p);

#endif
