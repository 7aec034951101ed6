#include "par/describe.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

void par_describe(char *out, size_t size) {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int n = 0;
    MPI_Get_library_version(text, &n);
    text[strcspn(text, "\n")] = '\0';
    snprintf(out, size, "%s", text);
}
