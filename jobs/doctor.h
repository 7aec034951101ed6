/* doctor.h: checks of the machine. Each is collective; what rank 0 finds is what is printed. */
#ifndef ESPALIER_JOBS_DOCTOR_H
#define ESPALIER_JOBS_DOCTOR_H

#include "par/par.h"

typedef enum verdict { PASS, WARN, FAIL } verdict;

typedef struct finding {
    verdict verdict;
    char text[900]; /* what was found; after FAIL and WARN also how to mend it */
} finding;

/* Set the finding; for use as `return doctor_find(f, FAIL, "…")`. */
err doctor_find(finding *f, verdict v, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* folder: a scratch folder that rank 0 has made. An error is a check that could not be carried out.
 */
typedef err (*check_fn)(const par *p, const char *folder, finding *f);

err check_ranks(const par *p, const char *folder, finding *f);
err check_start(const par *p, const char *folder, finding *f);
err check_cores(const par *p, const char *folder, finding *f);
err check_threads(const par *p, const char *folder, finding *f);
err check_kernel(const par *p, const char *folder, finding *f);
err check_memory(const par *p, const char *folder, finding *f);
err check_folder(const par *p, const char *folder, finding *f);
err check_disk(const par *p, const char *folder, finding *f);
err check_lock(const par *p, const char *folder, finding *f);
err check_hdf5(const par *p, const char *folder, finding *f);

#endif
