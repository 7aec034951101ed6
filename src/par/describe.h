/* describe.h: which MPI this is, for provenance and doctor. Not collective. */
#ifndef ESPALIER_PAR_DESCRIBE_H
#define ESPALIER_PAR_DESCRIBE_H

#include <stddef.h>

void par_describe(char *out, size_t size); /* "Open MPI v4.1.4, …", one line */

#endif
