/* version.h: what this program was built from; compiled into one object. */
#ifndef ESPALIER_JOBS_VERSION_H
#define ESPALIER_JOBS_VERSION_H

const char *version_text(void);     /* git describe */
const char *version_compiler(void); /* compiler and its version */
const char *version_flags(void);

#endif
