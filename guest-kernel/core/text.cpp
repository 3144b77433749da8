// Small text helpers that also build on the host: copy_string, parse_u64, KString::appendf.
//
// Guarantees: no allocation outside KString.
#include "core/string.h"
#include "core/string_buf.h"

size_t copy_string(char* dest, const char* src, size_t size) {
    const size_t length = strlen(src);
    if (size) {
        const size_t n = min(length, size - 1);
        memcpy(dest, src, n);
        dest[n] = '\0';
    }
    return length;
}

bool parse_u64(const char* text, int base, u64* value) {
    if (base == 0) {
        base = 10;
        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
            base = 16;
            text += 2;
        } else if (text[0] == '0' && text[1]) {
            base = 8;
        }
    }
    if (!*text) return false;
    u64 result = 0;
    for (; *text; text++) {
        int digit;
        if (*text >= '0' && *text <= '9') {
            digit = *text - '0';
        } else if (*text >= 'a' && *text <= 'f') {
            digit = *text - 'a' + 10;
        } else if (*text >= 'A' && *text <= 'F') {
            digit = *text - 'A' + 10;
        } else {
            return false;
        }
        if (digit >= base) return false;
        if (__builtin_mul_overflow(result, static_cast<u64>(base), &result) ||
            __builtin_add_overflow(result, static_cast<u64>(digit), &result)) {
            return false;
        }
    }
    *value = result;
    return true;
}

Result<void> KString::appendf(const char* format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < static_cast<int>(sizeof(text))) return append(text, static_cast<size_t>(length));
    const size_t old = size();
    TRY(bytes_.reserve(old + static_cast<size_t>(length) + 1));
    TRY(bytes_.resize(old + static_cast<size_t>(length) + 1));
    va_start(args, format);
    vsnprintf(bytes_.data() + old, static_cast<size_t>(length) + 1, format, args);
    va_end(args);
    return {};
}
