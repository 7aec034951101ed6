#include "io/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static void to_hex(const unsigned char *digest, char hex[65]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
}

err hash_file(const char *path, char hex[65], int64_t *bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    char buffer[1 << 16];
    int64_t total = 0;
    err e = OK;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    FILE *f = fopen(path, "rbe");
    ENSURE(ctx, ERR_FAILED, "out of memory");
    ENSURE(f, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0; total += (int64_t)n)
        EVP_DigestUpdate(ctx, buffer, n);
    ENSURE(!ferror(f), ERR_IO, "cannot read %s: %s", path, strerror(errno));
    EVP_DigestFinal_ex(ctx, digest, NULL);
    to_hex(digest, hex);
    if (bytes)
        *bytes = total;
done:
    if (f)
        fclose(f);
    EVP_MD_CTX_free(ctx);
    return e;
}

void hash_bytes(const void *p, size_t n, char hex[65]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(p, n, digest);
    to_hex(digest, hex);
}

uint64_t hash_u64(const void *p, size_t n) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t value = 0;
    SHA256(p, n, digest);
    for (int i = 0; i < 8; i++)
        value = value << 8 | digest[i];
    return value;
}
