// The options of mount(2)'s data: words parted by commas, each a key or key=value, and the kinds of value that file
// systems share.
#pragma once

#include "core/result.h"
#include "fs/name.h"

/// One option. `value` is not terminated; its length is `value_length`, 0 without "=".
struct MountOption {
    Name key;
    const char* value;
    size_t value_length;

    /// "64m", "1g", "50%" (of `whole`), "4096" into bytes. False: no number, or more after it.
    bool parse_size(u64 whole, u64* bytes) const;
    /// A number in `base` (8 or 10) below 2^32.
    bool parse_number(unsigned base, u32* out) const;
};

/// Calls take(option), which answers false for one that it does not know or whose value is wrong, for each option of
/// `data`, which may be null. EINVAL at the first false.
template <class F>
Result<void> for_each_mount_option(const char* data, F take) {
    for (const char* p = data; p && *p;) {
        const char* end = strchr(p, ',');
        const size_t length = end ? static_cast<size_t>(end - p) : strlen(p);
        const char* equals = static_cast<const char*>(memchr(p, '=', length));
        const size_t key = equals ? static_cast<size_t>(equals - p) : length;
        const MountOption option{Name(p, key), equals ? equals + 1 : p + length,
                                 equals ? length - key - 1 : 0};
        if (length != 0 && !take(option)) return Errno::EINVAL;
        p = end ? end + 1 : p + length;
    }
    return {};
}
