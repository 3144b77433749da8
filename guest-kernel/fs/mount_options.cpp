// Values of mount options (fs/mount_options.h).
#include "fs/mount_options.h"

bool MountOption::parse_size(u64 whole, u64* bytes) const {
    u64 number = 0;
    size_t i = 0;
    while (i < value_length && value[i] >= '0' && value[i] <= '9') {
        if (number > (~0ull >> 1) / 10) return false;
        number = number * 10 + static_cast<u64>(value[i++] - '0');
    }
    if (i == 0) return false;
    if (i < value_length) {
        switch (value[i++]) {
            case 'k':
            case 'K':
                number <<= 10;
                break;
            case 'm':
            case 'M':
                number <<= 20;
                break;
            case 'g':
            case 'G':
                number <<= 30;
                break;
            case '%':
                number = whole / 100 * number;
                break;
            default:
                return false;
        }
    }
    *bytes = number;
    return i == value_length;
}

bool MountOption::parse_number(unsigned base, u32* out) const {
    u64 number = 0;
    if (value_length == 0) return false;
    for (size_t i = 0; i < value_length; i++) {
        const unsigned digit = static_cast<unsigned>(value[i] - '0');
        if (value[i] < '0' || digit >= base || number > 0xffffffffu) return false;
        number = number * base + digit;
    }
    *out = static_cast<u32>(number);
    return number <= 0xffffffffu;
}
