// A tiny frame for guest test programs: each check prints one line, equal on Linux and on Orrery's kernel
// when the kernel is right. Programs are static, deterministic, and end with status 0 only if every check
// held.
#ifndef CHECK_H
#define CHECK_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;

#define CHECK(condition)                                         \
    do {                                                         \
        int holds_ = !!(condition);                              \
        if (!holds_) check_failures++;                           \
        printf("%s %s\n", holds_ ? "ok" : "FAILED", #condition); \
        fflush(stdout);                                          \
    } while (0)

/// The call must fail with this error.
#define CHECK_ERROR(call, expected)                                        \
    do {                                                                   \
        errno = 0;                                                         \
        long result_ = (long)(call);                                       \
        int error_ = errno;                                                \
        int holds_ = result_ == -1 && error_ == (expected);                \
        if (!holds_) check_failures++;                                     \
        printf("%s %s -> %s", holds_ ? "ok" : "FAILED", #call, #expected); \
        if (!holds_) printf(" (got %ld, %s)", result_, strerror(error_));  \
        printf("\n");                                                      \
        fflush(stdout);                                                    \
    } while (0)

#define CHECK_END() return check_failures ? 1 : 0
#endif
