/* library.h: which HDF5 this is, for provenance and doctor. Not collective. */
#ifndef ESPALIER_STORE_LIBRARY_H
#define ESPALIER_STORE_LIBRARY_H

#include <stddef.h>

void store_library(char *out, size_t size); /* "HDF5 1.10.8" */

#endif
