// Sets of small numbers as /sys writes them: "0-3,6" and "0000000f".
#pragma once

#include "core/string_buf.h"

/// "0-3,6\n"; nothing but the newline for the empty set.
inline Result<void> append_cpu_list(KString& out, u64 set) {
    const char* comma = "";
    for (unsigned i = 0; i < 64; i++) {
        if (!(set >> i & 1)) continue;
        unsigned last = i;
        while (last < 63 && set >> (last + 1) & 1) last++;
        TRY(out.appendf(last > i ? "%s%u-%u" : "%s%u", comma, i, last));
        comma = ",";
        i = last;
    }
    return out.push('\n');
}

/// In hexadecimal, with as many digits as `possible` CPUs need.
inline Result<void> append_cpu_mask(KString& out, u64 set, unsigned possible) {
    return out.appendf("%0*llx\n", static_cast<int>((possible + 3) / 4),
                       static_cast<unsigned long long>(set));
}
