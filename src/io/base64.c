#include "io/base64.h"

#include <stdint.h>
#include <string.h>

static const char DIGIT[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

err base64_encode(const void *bytes, size_t n, strbuf *out) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t word = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)b[i + 2] : 0);
        const char four[] = {DIGIT[word >> 18], DIGIT[word >> 12 & 63],
                             (char)(left > 1 ? DIGIT[word >> 6 & 63] : '='),
                             (char)(left > 2 ? DIGIT[word & 63] : '=')};
        CALL(strbuf_add(out, four, sizeof four));
    }
    return OK;
}

/* 0 .. 63, -1: no digit */
static int value_of(char c) {
    const char *at = c ? strchr(DIGIT, c) : NULL;
    return at ? (int)(at - DIGIT) : -1;
}

err base64_decode(const char *text, strbuf *out) {
    const size_t n = strlen(text);
    CHECK(n % 4 == 0, ERR_DATA, "base64 text of %zu characters, which is no multiple of 4", n);
    for (size_t i = 0; i < n; i += 4) {
        const int pad = i + 4 == n ? (text[i + 3] == '=') + (text[i + 2] == '=') : 0;
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            const int v = (int)k < 4 - pad ? value_of(text[i + k]) : 0;
            CHECK(v >= 0, ERR_DATA, "base64 text: \"%c\" at %zu", text[i + k], i + k);
            word = word << 6 | (uint32_t)v;
        }
        const char three[] = {(char)(word >> 16), (char)(word >> 8 & 255), (char)(word & 255)};
        /* bits behind the last byte are 0: one text for the same bytes */
        CHECK((word & ((1u << 8 * pad) - 1)) == 0, ERR_DATA, "base64 text: stray bits at its end");
        CALL(strbuf_add(out, three, (size_t)(3 - pad)));
    }
    return OK;
}
