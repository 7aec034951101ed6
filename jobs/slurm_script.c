#include "slurm_script.h"

#include "slurm_templates.h" /* made from slurm/ when the program is built */

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char DIRECTIVE[] = "#SBATCH --";

err slurm_quote(strbuf *text, const char *word) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=:,@%+-";
    if (text->len)
        CALL(strbuf_add(text, " ", 1));
    if (*word && word[strspn(word, plain)] == '\0')
        return strbuf_printf(text, "%s", word);
    CALL(strbuf_add(text, "'", 1));
    for (; *word; word++)
        CALL(*word == '\'' ? strbuf_printf(text, "'\\''") : strbuf_add(text, word, 1));
    return strbuf_add(text, "'", 1);
}

err slurm_seeds(const study *s, strbuf *text) {
    CHECK(s->study.seeds.n > 0, ERR_USAGE,
          "%s: an array needs the study's seeds, e.g. seeds: [1, 2, 3]", s->path);
    for (int i = 0; i < s->study.seeds.n; i++)
        CALL(strbuf_printf(text, "%s%lld", i ? "," : "", (long long)s->study.seeds.v[i]));
    return OK;
}

static int starts(const char *line, const char *with) {
    return strncmp(line, with, strlen(with)) == 0;
}

/* which of the settings an #SBATCH line is about, -1: none */
static int setting_of(const slurm_script *s, const char *line) {
    const char *key = line + strlen(DIRECTIVE);
    size_t n = strcspn(key, "=");
    for (int i = 0; i < s->n; i++)
        if (strlen(s->key[i]) == n && strncmp(s->key[i], key, n) == 0)
            return i;
    return -1;
}

static err directive(const slurm_script *s, int i, strbuf *out) {
    return strbuf_printf(out, "%s%s=%s\n", DIRECTIVE, s->key[i], s->value[i]);
}

/* the settings that no line was about, at the end of the #SBATCH lines */
static err other_directives(const slurm_script *s, const int *used, strbuf *out) {
    for (int i = 0; i < s->n; i++)
        if (!used[i])
            CALL(directive(s, i, out));
    return OK;
}

/* this program, wherever the script will be started */
static err fill_program(strbuf *out) {
    char path[4096] = "";
    CHECK(readlink("/proc/self/exe", path, sizeof path - 1) > 0, ERR_IO,
          "/proc/self/exe: cannot tell where this program is: %s", strerror(errno));
    return strbuf_printf(out, "espalier=${ESPALIER:-%s}\n", path);
}

static err fill_job(const slurm_script *s, strbuf *out) {
    int used[SLURM_SETTINGS] = {0}, inside = 0;
    for (const char *const *line = template_run_sbatch; *line; line++) {
        int is = starts(*line, DIRECTIVE), i = is ? setting_of(s, *line) : -1;
        if (inside && !is)
            CALL(other_directives(s, used, out));
        inside = is;
        if (i >= 0) {
            used[i] = 1;
            CALL(directive(s, i, out));
        } else if (starts(*line, "espalier=")) {
            CALL(fill_program(out));
        } else if (starts(*line, "launcher=") && s->launcher) {
            CALL(strbuf_printf(out, "launcher=${LAUNCHER:-%s}\n", s->launcher));
        } else if (starts(*line, "study=(")) {
            CALL(strbuf_printf(out, "study=(%s)\n", s->study));
        } else {
            CALL(strbuf_printf(out, "%s\n", *line));
        }
    }
    return OK;
}

/* sbatch keeps a copy of the job's script: here it is a file for as long as that takes */
static err embed_job(const slurm_script *s, strbuf *out) {
    CALL(strbuf_printf(out, "job=$(mktemp)\n"
                            "trap 'rm -f \"$job\"' EXIT\n"
                            "cat >\"$job\" <<'END_OF_JOB'\n"));
    CALL(fill_job(s, out));
    return strbuf_printf(out, "END_OF_JOB\n");
}

static err fill_submission(const slurm_script *s, const char *const *line, strbuf *out) {
    for (; *line; line++) {
        if (starts(*line, "job="))
            CALL(embed_job(s, out));
        else if (starts(*line, "name="))
            CALL(strbuf_printf(out, "name=%s\n", s->name));
        else if (starts(*line, "seeds="))
            CALL(strbuf_printf(out, "seeds=%s\n", s->seeds));
        else
            CALL(strbuf_printf(out, "%s\n", *line));
    }
    return OK;
}

err slurm_fill(const slurm_script *s, strbuf *out) {
    if (s->kind == SLURM_RUN)
        return fill_job(s, out);
    return fill_submission(s, s->kind == SLURM_CHAIN ? template_chain : template_array, out);
}
