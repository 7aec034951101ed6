#include "par/shared.h"

#include "base/arena.h"
#include "par/comm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct shared_window {
    MPI_Win win;
};

/* 1: the file system that shared windows live in has room for them */
static int has_room(size_t bytes) {
    struct statvfs v;
    if (statvfs("/dev/shm", &v) != 0)
        return 1; /* not there: MPI uses another place, and says itself whether it can */
    return (double)v.f_bavail * (double)v.f_frsize > 1.05 * (double)bytes;
}

/* the node's window over s->block; *got 0: none to be had. All ranks of the node agree on that. */
static err window_open(shared *s, int *got) {
    const par *node = s->node;
    shared_window *w = NULL;
    void *base = NULL;
    MPI_Aint size = node->rank == 0 ? (MPI_Aint)s->bytes : 0;
    int unit, room = node->rank != 0 || has_room(s->bytes);
    *got = 0;
    CALL(par_agree(node, mem_alloc(1, sizeof *w, &w)));
    w->win = MPI_WIN_NULL;
    if (par_all(node, room)) {
        int code =
            MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, par_comm_mpi(node), &base, &w->win);
        *got = par_all(node, code == MPI_SUCCESS);
    }
    if (!*got) {
        free(w);
        return OK;
    }
    s->window = w;
    MPI_CALL(MPI_Win_shared_query(w->win, 0, &size, &unit, &base));
    MPI_CALL(MPI_Win_lock_all(MPI_MODE_NOCHECK, w->win));
    s->block = base;
    return OK;
}

/* a block of this rank's own, as a node of one rank */
static err own_block(shared *s) {
    char *block;
    CALL(mem_alloc(s->bytes, 1, &block));
    s->block = block;
    return OK;
}

static err create(const par *p, size_t bytes, int own, shared **out) {
    shared *s = NULL;
    int got = 0;
    err e = par_agree(p, mem_alloc(1, sizeof *s, &s));
    *out = NULL;
    TRY(e);
    s->bytes = bytes ? bytes : 1;
    TRY(own ? par_split(p, p->rank, &s->node) : par_split_nodes(p, &s->node));
    if (!own && s->node->size > 1)
        e = window_open(s, &got);
    TRY(par_agree(p, e));
    if (!own && !par_all(p, got || s->node->size == 1)) {
        shared_destroy(&s);
        return create(p, bytes, 1, out);
    }
    TRY(par_agree(p, got ? OK : own_block(s)));
    *out = s;
    return OK;
done:
    shared_destroy(&s);
    return e;
}

err shared_create(const par *p, size_t bytes, shared **out) {
    return create(p, bytes, 0, out);
}

err shared_create_own(const par *p, size_t bytes, shared **out) {
    return create(p, bytes, 1, out);
}

void shared_destroy(shared **s) {
    if (!*s)
        return;
    if ((*s)->window) {
        MPI_Win_unlock_all((*s)->window->win);
        MPI_Win_free(&(*s)->window->win);
        free((*s)->window);
    } else {
        free((*s)->block);
    }
    par_close(&(*s)->node);
    free(*s);
    *s = NULL;
}

err shared_sync(const shared *s) {
    if (!s->window)
        return OK;
    MPI_CALL(MPI_Win_sync(s->window->win));
    CALL(par_barrier(s->node));
    MPI_CALL(MPI_Win_sync(s->window->win));
    return OK;
}
