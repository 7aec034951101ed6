#include "store/library.h"

#include <hdf5.h>
#include <stdio.h>

void store_library(char *out, size_t size) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(out, size, "HDF5 %u.%u.%u", major, minor, release);
}
