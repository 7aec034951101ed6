#include "sweep/available.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* the number after a line's name, times unit; NaN where there is none ("max" too) */
static double field(const char *path, const char *name, double unit) {
    char line[256];
    double x = NAN;
    FILE *f = fopen(path, "r");
    size_t n = strlen(name);
    while (f && isnan(x) && fgets(line, sizeof line, f)) {
        char *end;
        if (strncmp(line, name, n) != 0)
            continue;
        double value = strtod(line + n, &end);
        x = end > line + n ? value * unit : (double)NAN;
    }
    if (f)
        fclose(f);
    return x;
}

double available_held(void) {
    double x = field("/proc/self/status", "VmRSS:", 1024);
    return isnan(x) ? 0 : x;
}

double available_peak(void) {
    double x = field("/proc/self/status", "VmHWM:", 1024);
    return isnan(x) ? 0 : x;
}

static double environment(const char *name) {
    const char *text = getenv(name);
    char *end;
    double x = text ? strtod(text, &end) : 0;
    return text && end > text && x > 0 ? x : (double)NAN;
}

static void lower(available *a, double bytes, const char *by) {
    if (isnan(bytes) || bytes >= a->bytes)
        return;
    a->bytes = bytes;
    snprintf(a->by, sizeof a->by, "%s", by);
}

/* Room in the control groups (version 2) from this process's own up to the root. Cached files count
 * as used there, but go when memory is needed. */
static void lower_by_group(available *a) {
    char line[1024], group[1024] = "";
    FILE *f = fopen("/proc/self/cgroup", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "0::", 3) == 0)
            snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (f)
        fclose(f);
    while (group[0]) {
        char path[1200];
        double most, used, cached;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        most = field(path, "", 1);
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", group);
        used = field(path, "", 1);
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", group);
        cached = field(path, "inactive_file ", 1) + field(path, "active_file ", 1);
        used -= isnan(cached) ? 0 : cached;
        lower(a, a->held + (most - used) / a->ranks_here, "the control group's memory.max");
        char *slash = strrchr(group, '/');
        *slash = '\0';
    }
    double most = field("/sys/fs/cgroup/memory/memory.limit_in_bytes", "", 1);
    double used = field("/sys/fs/cgroup/memory/memory.usage_in_bytes", "", 1);
    lower(a, a->held + (most - used) / a->ranks_here, "the control group's limit");
}

static err count_ranks_here(const par *p, int *out) {
    char host[256] = "", *all = NULL;
    size_t *offset = NULL;
    gethostname(host, sizeof host - 1);
    CALL(par_allgather(p, host, sizeof host, &all, &offset));
    *out = 0;
    for (int r = 0; r < p->size; r++)
        *out += strcmp(all + offset[r], host) == 0;
    free(all);
    free(offset);
    return OK;
}

err available_memory(const par *p, available *out) {
    available a = {.bytes = HUGE_VAL, .held = available_held()};
    CALL(count_ranks_here(p, &a.ranks_here));
    double free_bytes = field("/proc/meminfo", "MemAvailable:", 1024);
    lower(&a, a.held + free_bytes / a.ranks_here, "the host's free memory");
    lower_by_group(&a);
    lower(&a, 0x1p20 * environment("SLURM_MEM_PER_NODE") / a.ranks_here, "SLURM_MEM_PER_NODE");
    double cpus = environment("SLURM_CPUS_PER_TASK");
    lower(&a, 0x1p20 * environment("SLURM_MEM_PER_CPU") * (isnan(cpus) ? 1 : cpus),
          "SLURM_MEM_PER_CPU");
    double ends[2] = {-a.bytes, a.held};
    CALL(par_max_f64(p, ends, 2));
    int64_t rank = -ends[0] < a.bytes ? -1 : p->rank; /* the one that has least says by what */
    CALL(par_max_i64(p, &rank, 1));
    CALL(par_bcast(p, a.by, sizeof a.by, (int)rank));
    CALL(par_bcast(p, &a.ranks_here, sizeof a.ranks_here, (int)rank));
    a.bytes = -ends[0];
    a.held = ends[1];
    *out = a;
    return OK;
}
