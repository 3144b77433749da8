// Memory and C-string functions (core/string.h). The compiler emits calls to the first four by itself.
//
// Guarantees: ISO C 7.24 semantics. Copies use REP MOVS/STOS, which every x86-64 and our emulator do in bulk.
#include "core/string.h"

extern "C" {

void* memcpy(void* dest, const void* src, size_t n) {
    void* d = dest;
    size_t words = n / 8;
    asm volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words)::"memory");
    size_t rest = n & 7;
    asm volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(rest)::"memory");
    return dest;
}

void* memmove(void* dest, const void* src, size_t n) {
    u8* d = static_cast<u8*>(dest);
    const u8* s = static_cast<const u8*>(src);
    if (d <= s || d >= s + n) return memcpy(dest, src, n);
    d += n - 1;
    s += n - 1;
    asm volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n)::"memory");
    return dest;
}

void* memset(void* dest, int byte, size_t n) {
    void* d = dest;
    const u64 pattern = 0x0101010101010101ull * static_cast<u8>(byte);
    size_t words = n / 8;
    asm volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    size_t rest = n & 7;
    asm volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
    return dest;
}

int memcmp(const void* a, const void* b, size_t n) {
    const u8* x = static_cast<const u8*>(a);
    const u8* y = static_cast<const u8*>(b);
    for (; n >= sizeof(u64); n -= sizeof(u64), x += sizeof(u64), y += sizeof(u64)) {
        u64 left, right;
        __builtin_memcpy(&left, x, sizeof(left));
        __builtin_memcpy(&right, y, sizeof(right));
        // The first byte in memory is the lowest of a word: reversed, words compare as their bytes do.
        if (left != right) return __builtin_bswap64(left) < __builtin_bswap64(right) ? -1 : 1;
    }
    for (; n; n--, x++, y++) {
        if (*x != *y) return *x - *y;
    }
    return 0;
}

void* memchr(const void* s, int byte, size_t n) {
    for (const u8* p = static_cast<const u8*>(s); n; n--, p++) {
        if (*p == static_cast<u8>(byte)) return const_cast<u8*>(p);
    }
    return nullptr;
}

size_t strlen(const char* s) {
    const char* p = s;
    while (*p) p++;
    return static_cast<size_t>(p - s);
}

size_t strnlen(const char* s, size_t maximum) {
    size_t n = 0;
    while (n < maximum && s[n]) n++;
    return n;
}

int strcmp(const char* a, const char* b) {
    while (*a && *a == *b) a++, b++;
    return static_cast<u8>(*a) - static_cast<u8>(*b);
}

int strncmp(const char* a, const char* b, size_t n) {
    for (; n; n--, a++, b++) {
        if (*a != *b || !*a) return static_cast<u8>(*a) - static_cast<u8>(*b);
    }
    return 0;
}

char* strchr(const char* s, int c) {
    for (;; s++) {
        if (*s == static_cast<char>(c)) return const_cast<char*>(s);
        if (!*s) return nullptr;
    }
}

char* strrchr(const char* s, int c) {
    const char* last = nullptr;
    for (;; s++) {
        if (*s == static_cast<char>(c)) last = s;
        if (!*s) return const_cast<char*>(last);
    }
}

char* strstr(const char* haystack, const char* needle) {
    const size_t n = strlen(needle);
    for (; *haystack || !n; haystack++) {
        if (strncmp(haystack, needle, n) == 0) return const_cast<char*>(haystack);
    }
    return nullptr;
}

}  // extern "C"
