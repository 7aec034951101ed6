/* relay.h: lines of text worked on by all ranks, what comes of them written in the order of the
 * lines. Rank 0 alone reads and writes, so a pipe will do; what is written does not depend on the
 * number of ranks, nor on where blocks of lines end. */
#ifndef ESPALIER_WORK_RELAY_H
#define ESPALIER_WORK_RELAY_H

#include "base/strbuf.h"
#include "par/par.h"

#include <stdint.h>
#include <stdio.h>

/* Some whole lines of a file. The last one of a file may lack its newline. */
typedef struct relay_block {
    const char *name; /* of the file, for messages */
    int64_t line;     /* number of the first line in its file, from 1 */
    char *text;       /* (n) may be changed; text[n] is NUL */
    size_t n;
} relay_block;

/* Append to out what is to be written. Not collective: runs on whichever rank got the lines. */
typedef err (*relay_fn)(void *state, const relay_block *b, strbuf *out);

typedef struct relay {
    const par *p;
    char *const *files; /* (n_files) the same on every rank; "-": standard input; none: only that */
    int n_files;
    size_t block; /* bytes of text for a rank at a time; 0: 1 MiB. A longer line is not cut. */
    FILE *out;
} relay;

/* ERR_IO: a file cannot be read. An error of fn ends the work on all ranks;
 * ERR_STOPPED: asked to stop, between two rounds. Whether `out` took
 * everything is for its owner to see (ferror). Collective. */
err relay_run(const relay *r, relay_fn fn, void *state);

#endif
