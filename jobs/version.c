#include "version.h"

#ifndef ESPALIER_VERSION
#define ESPALIER_VERSION "unknown"
#endif
#ifndef ESPALIER_FLAGS
#define ESPALIER_FLAGS "unknown"
#endif

const char *version_text(void) {
    return ESPALIER_VERSION;
}

const char *version_compiler(void) {
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *version_flags(void) {
    return ESPALIER_FLAGS;
}
