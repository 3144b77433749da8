// Copies to and from programs (mm/user_ptr.h); the machine's part is arch/x86_64/user_copy.S.
//
// Guarantees: the address range is checked against the user half before the first byte.
#include "mm/user_ptr.h"

#include "core/string.h"
#include "mm/page.h"

extern "C" {
size_t copy_user_generic(void* to, const void* from, size_t n);
size_t clear_user_generic(void* to, size_t n);
int cmpxchg_user_generic(u32* address, u32 expected, u32 desired, u32* found);
}

size_t copy_from_user(void* to, u64 from, size_t n) {
    const size_t left =
        access_ok(from, n) ? copy_user_generic(to, reinterpret_cast<const void*>(from), n) : n;
    if (left) memset(static_cast<u8*>(to) + (n - left), 0, left);
    return left;
}

size_t copy_from_user_keep(void* to, u64 from, size_t n) {
    return access_ok(from, n) ? copy_user_generic(to, reinterpret_cast<const void*>(from), n) : n;
}

size_t copy_to_user(u64 to, const void* from, size_t n) {
    return access_ok(to, n) ? copy_user_generic(reinterpret_cast<void*>(to), from, n) : n;
}

size_t clear_user(u64 to, size_t n) {
    return access_ok(to, n) ? clear_user_generic(reinterpret_cast<void*>(to), n) : n;
}

Result<size_t> strncpy_from_user(char* to, u64 from, size_t size) {
    size_t done = 0;
    while (done < size) {
        const u64 address = from + done;
        // Never read past the page that holds the terminator; short pieces, since most strings are short.
        const size_t piece =
            min<size_t>(min<size_t>(64, size - done), kPageSize - (address & (kPageSize - 1)));
        if (!access_ok(address, piece)) return Errno::EFAULT;
        const size_t got =
            piece - copy_user_generic(to + done, reinterpret_cast<const void*>(address), piece);
        if (const void* end = memchr(to + done, 0, got))
            return static_cast<size_t>(static_cast<const char*>(end) - to);
        if (got < piece) return Errno::EFAULT;
        done += piece;
    }
    return Errno::ENAMETOOLONG;
}

Result<u32> cmpxchg_user(u64 address, u32 expected, u32 desired) {
    if (!access_ok(address, sizeof(u32)) || address & 3) return Errno::EFAULT;
    u32 found;
    if (cmpxchg_user_generic(reinterpret_cast<u32*>(address), expected, desired, &found))
        return Errno::EFAULT;
    return found;
}
