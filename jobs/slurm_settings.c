/* the options of `espalier slurm` that say where and how a job runs */
#include "slurm_script.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { NODES = 300, RANKS, TIME, PARTITION, ACCOUNT, QOS, SBATCH, LAUNCHER };

static const struct argp_option OPTIONS[] = {
    {"nodes", NODES, "N", 0, "nodes of a job", 0},
    {"ranks", RANKS, "N", 0, "ranks of a job, over all nodes (2)", 0},
    {"time", TIME, "T", 0, "longest time of a job, as SLURM writes it (04:00:00)", 0},
    {"partition", PARTITION, "NAME", 0, "where the jobs go", 0},
    {"account", ACCOUNT, "NAME", 0, "who pays", 0},
    {"qos", QOS, "NAME", 0, "quality of service", 0},
    {"sbatch", SBATCH, "KEY=VALUE", 0, "any other option of sbatch, e.g. constraint=avx512", 0},
    {"launcher", LAUNCHER, "NAME", 0, "what starts the ranks: srun (with PMIx) or mpirun", 0},
    {0}};

/* an option of sbatch; the last of several counts */
static void add_setting(struct argp_state *state, const char *key, const char *value) {
    slurm_script *s = state->input;
    int i = 0;
    if (!*key || !*value || strpbrk(key, " \t\n=") || strpbrk(value, "\n"))
        argp_error(state, "--%s: expected a value in one line, got \"%s\"", key, value);
    while (i < s->n && strcmp(s->key[i], key) != 0)
        i++;
    if (i == SLURM_SETTINGS)
        argp_error(state, "more than %d options of sbatch", (int)SLURM_SETTINGS);
    s->n += i == s->n;
    s->key[i] = key;
    s->value[i] = value;
}

static void check(struct argp_state *state, const char *option, int good, const char *expected,
                  const char *got) {
    if (!good)
        argp_error(state, "--%s: expected %s, got \"%s\"", option, expected, got);
}

static int is_count(const char *text) {
    size_t n = strspn(text, "0123456789");
    return text[n] == '\0' && n > 0 && n < 10 && atoi(text) > 0;
}

/* --sbatch KEY=VALUE; the two parts stay in the argument's own memory */
static void parse_sbatch(struct argp_state *state, char *arg) {
    char *equals = strchr(arg, '=');
    check(state, "sbatch", equals && equals > arg, "KEY=VALUE", arg);
    *equals = '\0';
    add_setting(state, arg, equals + 1);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    slurm_script *s = state->input;
    switch (key) {
    case NODES:
    case RANKS:
        check(state, key == NODES ? "nodes" : "ranks", is_count(arg), "a number above 0", arg);
        add_setting(state, key == NODES ? "nodes" : "ntasks", arg);
        return 0;
    case TIME:
        check(state, "time", clock_span(arg) > 0, "minutes or HH:MM:SS", arg);
        add_setting(state, "time", arg);
        return 0;
    case PARTITION:
    case ACCOUNT:
    case QOS:
        add_setting(state,
                    key == PARTITION ? "partition"
                    : key == ACCOUNT ? "account"
                                     : "qos",
                    arg);
        return 0;
    case SBATCH:
        parse_sbatch(state, arg);
        return 0;
    case LAUNCHER:
        check(state, "launcher", strcmp(arg, "srun") == 0 || strcmp(arg, "mpirun") == 0,
              "srun or mpirun", arg);
        s->launcher = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp slurm_settings_argp = {OPTIONS, parse, NULL, NULL, NULL, NULL, NULL};
