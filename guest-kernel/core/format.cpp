// vsnprintf for the kernel (see core/string.h for what it understands).
//
// Guarantees: never writes beyond `size`, always terminates (size > 0), returns the full length. ISO
// C 7.21.6.
#include "core/string.h"

namespace {

class Writer {
  public:
    Writer(char* buffer, size_t size) : buffer_(buffer), size_(size) {}
    void put(char c) {
        if (length_ + 1 < size_) buffer_[length_] = c;
        length_++;
    }
    void pad(char c, int count) {
        for (; count > 0; count--) put(c);
    }
    int finish() {
        if (size_) buffer_[min(length_, size_ - 1)] = '\0';
        return static_cast<int>(length_);
    }

  private:
    char* buffer_;
    size_t size_;
    size_t length_ = 0;
};

struct Spec {
    bool left = false, zero = false, plus = false, space = false, alternate = false;
    int width = 0;
    int precision = -1;
};

void put_text(Writer& out, const Spec& spec, const char* text, size_t length) {
    const int padding = spec.width - static_cast<int>(length);
    if (!spec.left) out.pad(' ', padding);
    for (size_t i = 0; i < length; i++) out.put(text[i]);
    if (spec.left) out.pad(' ', padding);
}

void put_number(Writer& out, Spec spec, u64 magnitude, bool negative, unsigned base, bool upper) {
    char digits[24];
    int count = 0;
    const u64 original = magnitude;
    while (magnitude) {
        digits[count++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[magnitude % base];
        magnitude /= base;
    }
    const int minimum = spec.precision >= 0 ? spec.precision : 1;
    const char* prefix = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
    if (spec.alternate && original) prefix = base == 16 ? (upper ? "0X" : "0x") : base == 8 ? "0" : prefix;
    const int zeros = max(0, minimum - count);
    int padding = spec.width - static_cast<int>(strlen(prefix)) - count - zeros;
    const bool zero_pad = spec.zero && !spec.left && spec.precision < 0;
    if (!spec.left && !zero_pad) out.pad(' ', padding);
    while (*prefix) out.put(*prefix++);
    out.pad('0', zeros + (zero_pad ? max(0, padding) : 0));
    while (count) out.put(digits[--count]);
    if (spec.left) out.pad(' ', padding);
}

}  // namespace

extern "C" int vsnprintf(char* buffer, size_t size, const char* format, va_list args) {
    Writer out(buffer, size);
    for (; *format; format++) {
        if (*format != '%') {
            out.put(*format);
            continue;
        }
        Spec spec;
        for (format++;; format++) {
            if (*format == '-')
                spec.left = true;
            else if (*format == '0')
                spec.zero = true;
            else if (*format == '+')
                spec.plus = true;
            else if (*format == ' ')
                spec.space = true;
            else if (*format == '#')
                spec.alternate = true;
            else
                break;
        }
        auto number = [&] {
            int value = 0;
            if (*format == '*') {
                format++;
                return va_arg(args, int);
            }
            while (*format >= '0' && *format <= '9') value = value * 10 + (*format++ - '0');
            return value;
        };
        spec.width = number();
        if (spec.width < 0) {
            spec.left = true;
            spec.width = -spec.width;
        }
        if (*format == '.') {
            format++;
            spec.precision = number();
        }
        int size_class = 0;  // 1: l, ll, z; -1: h; -2: hh
        while (*format == 'l' || *format == 'z' || *format == 'h' || *format == 'j' || *format == 't') {
            size_class = *format == 'h' ? size_class - 1 : 1;
            format++;
        }
        auto unsigned_argument = [&]() -> u64 {
            if (size_class == 1) return va_arg(args, u64);
            const unsigned value = va_arg(args, unsigned);
            return size_class == -1   ? static_cast<u16>(value)
                   : size_class == -2 ? static_cast<u8>(value)
                                      : value;
        };
        switch (*format) {
            case 'd':
            case 'i': {
                i64 value = size_class == 1 ? va_arg(args, i64) : va_arg(args, int);
                put_number(out, spec, value < 0 ? -static_cast<u64>(value) : static_cast<u64>(value),
                           value < 0, 10, false);
                break;
            }
            case 'u':
                put_number(out, spec, unsigned_argument(), false, 10, false);
                break;
            case 'o':
                put_number(out, spec, unsigned_argument(), false, 8, false);
                break;
            case 'x':
                put_number(out, spec, unsigned_argument(), false, 16, false);
                break;
            case 'X':
                put_number(out, spec, unsigned_argument(), false, 16, true);
                break;
            case 'p':
                spec.alternate = true;
                put_number(out, spec, reinterpret_cast<u64>(va_arg(args, void*)), false, 16, false);
                break;
            case 'c': {
                const char c = static_cast<char>(va_arg(args, int));
                put_text(out, spec, &c, 1);
                break;
            }
            case 's': {
                const char* text = va_arg(args, const char*);
                if (!text) text = "(null)";
                put_text(
                    out, spec, text,
                    spec.precision >= 0 ? strnlen(text, static_cast<size_t>(spec.precision)) : strlen(text));
                break;
            }
            case '%':
                out.put('%');
                break;
            case '\0':
                return out.finish();
            default:
                out.put('%');
                out.put(*format);
        }
    }
    return out.finish();
}

extern "C" int snprintf(char* buffer, size_t size, const char* format, ...) {
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return length;
}
