// UserPtr<T>: the only way into a program's memory.
//
// Guarantees: an address outside the user half, unmapped, or without the right permission answers EFAULT and
// never harms the kernel (exception-table fixups; SMAP windows are opened only inside the copy). Demand
// paging and copy-on-write happen underneath, so a copy may sleep: never hold a spinlock across one.
#pragma once

#include "core/result.h"
#include "core/types.h"

constexpr u64 kTaskSize = 0x00007ffffffff000ull;  // 128 TiB less a page, as in Linux

/// Copy `n` bytes; returns how many could NOT be copied.
size_t copy_from_user(void* to, u64 from, size_t n);
/// As copy_from_user, but leaves what could not be copied as it was (copy_from_user clears it): for writing
/// straight into a file's pages.
size_t copy_from_user_keep(void* to, u64 from, size_t n);
size_t copy_to_user(u64 to, const void* from, size_t n);
size_t clear_user(u64 to, size_t n);
/// Copy a string of at most `size` bytes with its terminator; its length without it.
/// EFAULT; ENAMETOOLONG if there is no terminator within `size`.
Result<size_t> strncpy_from_user(char* to, u64 from, size_t size);
/// Atomically replace `expected` by `desired` in a program's aligned word; the word found. EFAULT.
Result<u32> cmpxchg_user(u64 address, u32 expected, u32 desired);
inline bool access_ok(u64 address, u64 size) {
    return size <= kTaskSize && address <= kTaskSize - size;
}

template <class T>
class UserPtr {
  public:
    UserPtr() = default;
    explicit UserPtr(u64 address) : address_(address) {}

    u64 address() const { return address_; }
    explicit operator bool() const { return address_ != 0; }
    bool is_null() const { return address_ == 0; }

    Result<T> read() const {
        T value;
        if (copy_from_user(&value, address_, sizeof(T))) return Errno::EFAULT;
        return value;
    }
    Result<void> write(const T& value) const {
        if (copy_to_user(address_, &value, sizeof(T))) return Errno::EFAULT;
        return {};
    }
    /// The n-th element after this one.
    UserPtr offset(i64 n) const { return UserPtr(address_ + static_cast<u64>(n) * sizeof(T)); }
    template <class U>
    UserPtr<U> cast() const {
        return UserPtr<U>(address_);
    }
    /// `n` BYTES from here into `to`, all or EFAULT.
    Result<void> copy_in(void* to, size_t n) const {
        if (copy_from_user(to, address_, n)) return Errno::EFAULT;
        return {};
    }
    /// `n` BYTES from `from` to here, all or EFAULT.
    Result<void> copy_out(const void* from, size_t n) const {
        if (copy_to_user(address_, from, n)) return Errno::EFAULT;
        return {};
    }
    Result<size_t> strncpy_from_user(char* to, size_t size) const {
        return ::strncpy_from_user(to, address_, size);
    }

  private:
    u64 address_ = 0;
};

/// A void pointer argument: bytes.
using UserBytes = UserPtr<u8>;
using UserString = UserPtr<char>;
