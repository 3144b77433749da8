// Memory and C-string functions, and the formatter behind printk and KString.
//
// Guarantees: as in ISO C for the functions that share C's names; snprintf understands
// %d %i %u %x %X %o %c %s %p %% with flags [-0 +#], width, precision, `*`, and sizes hh h l ll z.
#pragma once

#include <stdarg.h>

#include "core/types.h"

#if __STDC_HOSTED__
#include <stdio.h>
#include <string.h>
#else
extern "C" {
void* memcpy(void* dest, const void* src, size_t n);
void* memmove(void* dest, const void* src, size_t n);
void* memset(void* dest, int byte, size_t n);
int memcmp(const void* a, const void* b, size_t n);
void* memchr(const void* s, int byte, size_t n);
size_t strlen(const char* s);
size_t strnlen(const char* s, size_t max);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t n);
char* strchr(const char* s, int c);
char* strrchr(const char* s, int c);
char* strstr(const char* haystack, const char* needle);
int vsnprintf(char* buffer, size_t size, const char* format, va_list args);
int snprintf(char* buffer, size_t size, const char* format, ...) __attribute__((format(printf, 3, 4)));
}
#endif

/// Copy `src` into `dest` of `size` bytes, always terminated; returns the length of `src`.
size_t copy_string(char* dest, const char* src, size_t size);
/// Parse an unsigned number (base 0: 0x, 0 and decimal prefixes). False if it is not all digits.
bool parse_u64(const char* text, int base, u64* value);
