/* err.h: errors are values.
 *
 * Every function that can fail returns an err and hands its result back through its last pointers.
 * The value is the exit code that a job ends with; the message is kept per thread until the next
 * one is raised. Libraries neither print nor exit: only a job's main does. */
#ifndef ESPALIER_BASE_ERR_H
#define ESPALIER_BASE_ERR_H

typedef enum err {
    OK = 0,
    ERR_FAILED = 1,   /* the work itself failed (numbers, memory, a check that does not hold) */
    ERR_USAGE = 2,    /* command line or configuration */
    ERR_DATA = 65,    /* input that is not what it should be */
    ERR_IO = 74,      /* a file that cannot be read or written */
    ERR_STOPPED = 75, /* stopped at a checkpoint on request: requeue me */
} err;

/* Raise an error: keep the message ("what, where, how to mend"), return code. Not collective. */
err err_raise(err code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "fmt: " before the message of an error that is being passed on; returns code. */
err err_prefix(err code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The message of this thread's last error, "" when there was none; valid until the next one. */
const char *err_message(void);

/* Where it was raised, as "file.c:line", for --verbose and bug reports. */
const char *err_where(void);

/* Replace message and place (used to carry another rank's error to this one). */
void err_set(const char *message, const char *where);

#define RAISE(code, ...) return err_raise((code), __FILE__, __LINE__, __VA_ARGS__)

/* pass an error on */
#define CALL(expr)                                                                                 \
    do {                                                                                           \
        err e_ = (expr);                                                                           \
        if (e_ != OK)                                                                              \
            return e_;                                                                             \
    } while (0)

/* raise an error unless cond holds */
#define CHECK(cond, code, ...)                                                                     \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return err_raise((code), __FILE__, __LINE__, __VA_ARGS__);                             \
    } while (0)

/* the same two for functions that own something: they set `e` and go to `done` */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        e = (expr);                                                                                \
        if (e != OK)                                                                               \
            goto done;                                                                             \
    } while (0)

#define ENSURE(cond, code, ...)                                                                    \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            e = err_raise((code), __FILE__, __LINE__, __VA_ARGS__);                                \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#endif
