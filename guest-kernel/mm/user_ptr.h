// UserPtr<T>: the only way into a program's memory.
//
// Guarantees: an address outside the user half, unmapped, or without the right permission answers EFAULT and
// never harms the kernel (exception-table fixups; SMAP windows are opened only inside the copy). Demand
// paging and copy-on-write happen underneath, so a copy may sleep: never hold a spinlock across one.
#pragma once

#include "abi/call_layout.h"
#include "core/result.h"
#include "core/types.h"

constexpr u64 kTaskSize = 0x00007ffffffff000ull;  // 128 TiB less a page, as in Linux

constexpr u64 kIa32TaskSize = 0xffffe000ull;  // of a 32-bit program

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

/// A T at `address` in the layout of the running call (abi/call_layout.h). EFAULT; EOVERFLOW.
template <class T, class Raw>
Result<T> read_user_as(u64 address) {
    Raw raw;
    if (copy_from_user(&raw, address, sizeof(raw))) return Errno::EFAULT;
    return Ia32Layout<T>::widen(raw);
}
template <class T, class Raw>
Result<void> write_user_as(u64 address, const T& value) {
    Raw raw;
    __builtin_memset(&raw, 0, sizeof(raw));
    const Result<void> fits = Ia32Layout<T>::narrow(value, raw);
    if (!fits.ok()) return fits.error();
    if (copy_to_user(address, &raw, sizeof(raw))) return Errno::EFAULT;
    return {};
}
template <class T>
Result<T> read_user(u64 address) {
    if constexpr (HasSmallLayout<T>) {
        if (call_layout() == CallLayout::kIa32)
            return read_user_as<T, typename Ia32Layout<T>::Small>(address);
    }
    if constexpr (HasLargeLayout<T>) {
        if (call_layout() == CallLayout::kIa32Large)
            return read_user_as<T, typename Ia32Layout<T>::Large>(address);
    }
    T value;
    if (copy_from_user(&value, address, sizeof(T))) return Errno::EFAULT;
    return value;
}
template <class T>
Result<void> write_user(u64 address, const T& value) {
    if constexpr (HasSmallLayout<T>) {
        if (call_layout() == CallLayout::kIa32)
            return write_user_as<T, typename Ia32Layout<T>::Small>(address, value);
    }
    if constexpr (HasLargeLayout<T>) {
        if (call_layout() == CallLayout::kIa32Large)
            return write_user_as<T, typename Ia32Layout<T>::Large>(address, value);
    }
    if (copy_to_user(address, &value, sizeof(T))) return Errno::EFAULT;
    return {};
}
/// What a T takes in the program's memory.
template <class T>
u64 user_size() {
    if constexpr (HasSmallLayout<T>) {
        if (call_layout() == CallLayout::kIa32) return sizeof(typename Ia32Layout<T>::Small);
    }
    if constexpr (HasLargeLayout<T>) {
        if (call_layout() == CallLayout::kIa32Large) return sizeof(typename Ia32Layout<T>::Large);
    }
    return sizeof(T);
}

template <class T>
class UserPtr {
  public:
    UserPtr() = default;
    explicit UserPtr(u64 address) : address_(address) {}

    u64 address() const { return address_; }
    explicit operator bool() const { return address_ != 0; }
    bool is_null() const { return address_ == 0; }

    Result<T> read() const { return read_user<T>(address_); }
    Result<void> write(const T& value) const { return write_user<T>(address_, value); }
    /// The n-th element after this one.
    UserPtr offset(i64 n) const { return UserPtr(address_ + static_cast<u64>(n) * user_size<T>()); }
    /// `n` elements from here, all or the error of one.
    Result<void> read_array(T* to, size_t n) const {
        if (user_size<T>() == sizeof(T) && !in_ia32_call()) return copy_in(to, n * sizeof(T));
        for (size_t i = 0; i < n; i++) to[i] = TRY(offset(static_cast<i64>(i)).read());
        return {};
    }
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
