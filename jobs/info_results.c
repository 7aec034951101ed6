/* what is finished in a study's folder */
#include "info.h"

#include "base/arena.h"
#include "io/atomic_file.h"
#include "io/journal.h"
#include "io/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static err print_manifest(const char *dir, strbuf *out) {
    char path[4096];
    json_t *files = NULL, *entry;
    const char *name;
    CALL(path_join(path, dir, "manifest.json"));
    if (!path_exists(path))
        return strbuf_printf(out, "  nothing is finished\n");
    CALL(json_read(path, &files));
    err e = strbuf_printf(out, "  finished:\n");
    json_object_foreach(files, name, entry) {
        int64_t bytes = (int64_t)json_integer_value(json_object_get(entry, "bytes"));
        const char *by = json_string_value(json_object_get(entry, "made_by"));
        if (e == OK)
            e = strbuf_printf(out, "    %-48s %10.1f KiB  by %s\n", name, (double)bytes / 0x1p10,
                              by ? by : "?");
    }
    json_decref(files);
    return e;
}

/* finished units of one list of a stage; lists come one after the other or mixed */
enum { LISTS = 512 };
typedef struct tally {
    int n;
    struct {
        char key[128];
        int64_t units;
    } list[LISTS];
} tally;

static err count_unit(void *state, const char *key, int64_t unit, const char *record) {
    (void)unit, (void)record;
    tally *t = state;
    int i = 0;
    while (i < t->n && strcmp(t->list[i].key, key) != 0)
        i++;
    if (i == LISTS)
        return OK;
    if (i == t->n)
        snprintf(t->list[t->n++].key, sizeof t->list->key, "%s", key);
    t->list[i].units++;
    return OK;
}

static err print_stage(const char *dir, const char *stage, strbuf *out) {
    tally *t = NULL;
    CALL(mem_alloc(1, sizeof *t, &t));
    err e = journal_read(dir, stage, count_unit, t);
    for (int i = 0; i < t->n && e == OK; i++)
        e = strbuf_printf(out, "    %-10s %-32s %lld\n", stage, t->list[i].key,
                          (long long)t->list[i].units);
    free(t);
    return e;
}

/* journals are called STAGE.RANK.log */
static int is_journal(const struct dirent *entry) {
    const char *tail = strrchr(entry->d_name, '.');
    return tail && strcmp(tail, ".log") == 0;
}

static err print_journals(const char *dir, strbuf *out) {
    char folder[4096], stage[256], last[256] = "";
    struct dirent **file = NULL;
    CALL(path_join(folder, dir, "journal"));
    int n = scandir(folder, &file, is_journal, alphasort);
    err e = n > 0 ? strbuf_printf(out, "  units in the journals:\n") : OK;
    for (int i = 0; i < n; i++) {
        snprintf(stage, sizeof stage, "%.*s", (int)strcspn(file[i]->d_name, "."), file[i]->d_name);
        if (e == OK && strcmp(stage, last) != 0)
            e = print_stage(folder, stage, out);
        memcpy(last, stage, sizeof last);
        free(file[i]);
    }
    free(file);
    return e;
}

err info_results(const char *dir, strbuf *out) {
    char path[4096];
    CALL(path_join(path, dir, "study.yaml"));
    CALL(info_study(path, out));
    CALL(print_manifest(dir, out));
    return print_journals(dir, out);
}
