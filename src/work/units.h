/* units.h: the one way in which espalier does many small things: each unit is handed to a rank,
 * computed once, journalled, and its record is known on every rank. Starting again does only what
 * is missing. What a record says may not depend on which rank made it, nor when. */
#ifndef ESPALIER_WORK_UNITS_H
#define ESPALIER_WORK_UNITS_H

#include "base/strbuf.h"
#include "par/par.h"

typedef struct units {
    const par *p;
    const char *dir;   /* the study's journal folder; NULL: no journal (tests, one-off work) */
    const char *stage; /* journal file: "finetune", "attack", … */
    const char *key;   /* which list of units: the model's name, "" … */
    const char *title; /* for progress; NULL: silent */
    const char *noun;  /* "variants", "examples" */
    int64_t n;
    const int64_t *order; /* (n) order in which units are handed out, NULL: 0 .. n - 1 */
    /* (n) what each unit is called in the journal, no two alike; NULL: its number below key. With
     * names a list may grow, shrink and change its order between starts. */
    const char *const *names;
    /* (n) how many ranks at most work on a unit together, see units_run_groups; NULL: one */
    const int64_t *ranks;
} units;

/* Compute one unit: append ONE line of JSON (no newline) to record. An error ends the stage on all
 * ranks; units already done stay journalled. Not collective: runs on whichever rank got the unit.
 */
typedef err (*unit_fn)(void *state, int64_t unit, strbuf *record);

/* Run all units that have no record yet; records (n) are strings known on every rank, in unit
 * order. ERR_STOPPED when a stop was asked for. Free with units_free. Collective. */
err units_run(const units *u, unit_fn fn, void *state, char ***records);

/* The same for ranks that work on several units at a time, so that small ones can share a batch: fn
 * runs once a rank and takes units until there are none. A rank begins with every size-th unit of
 * `order`, the same ones in every list of that order, so that it finds again what it kept of them
 * from the list before; when it has none left it takes those of the other ranks. What a kill loses
 * is what was taken and not done. Collective. */
typedef struct units_hand units_hand;
typedef err (*crew_fn)(void *state, units_hand *h);
err units_run_several(const units *u, crew_fn fn, void *state, char ***records);
/* The next unit, -1 when there is none left or a stop was asked for. Not collective. */
err units_take(units_hand *h, int64_t *unit);
/* How many were left for all ranks when this one last took a unit, as far as it can tell from the
 * list it took that from: so that no rank keeps more than its share of the last ones. Not
 * collective. */
int64_t units_left(const units_hand *h);
/* A unit that was taken is done: journal its record, one line. Not collective. */
err units_done(units_hand *h, int64_t unit, const char *record);

/* Compute one unit by a group of ranks: every rank of it calls, and rank 0's record counts.
 * Collective over group. */
typedef err (*group_fn)(void *state, const par *group, int64_t unit, strbuf *record);

/* The same with units that several ranks share. Units for more ranks come first, then in `order`:
 * the ranks form groups of that size (the last one takes what is left over), each takes one unit
 * after another, and when there are none for its size, it splits into smaller groups by itself.
 * So no rank waits but for the last units. On fewer ranks than a unit asks for, all work on it:
 * what a record says may not depend on the size of the group. Collective. */
err units_run_groups(const units *u, group_fn fn, void *state, char ***records);
/* Records of finished units only (NULL where missing), without running any. Collective. */
err units_read(const units *u, char ***records);
/* Every record of a stage, whatever its key, on every rank: each() as journal_read calls it.
 * Collective. */
typedef err (*units_each)(void *state, const char *key, int64_t unit, const char *record);
err units_read_all(const par *p, const char *dir, const char *stage, units_each each, void *state);
void units_free(char ***records, int64_t n);

#endif
