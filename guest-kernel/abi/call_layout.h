// Whose layouts the structures of the running system call have: x86-64's, or those of a 32-bit program.
//
// A structure that a 32-bit program lays out otherwise says so beside itself, by a specialisation of Ia32Layout: the
// other layout and how the two become each other. UserPtr<T> (mm/user_ptr.h) then reads and writes what the call's
// layout says, so that a handler knows only the one structure. Layouts: Linux's include/linux/compat.h and
// arch/x86/include/asm/compat.h; i386's structures align 64-bit members to 4 bytes.
//
// Guarantees: a type's specialisation stands in the header of the type, so no user of it can miss it. A value that does
// not fit into the smaller layout is EOVERFLOW, or cut, as Linux does it for that structure.
#pragma once

#include "core/result.h"
#include "core/types.h"

enum class CallLayout : u8 {
    kNative,
    kIa32,       // i386's: 32-bit longs, pointers, times and file sizes
    kIa32Large,  // i386's later calls: 64-bit times (*_time64) and file sizes (stat64, fcntl64)
};

/// Of the call that the current task runs (a column of syscall/table_ia32.def); native outside of calls.
CallLayout call_layout();
inline bool in_ia32_call() {
    return call_layout() != CallLayout::kNative;
}

/// Specialisations have, for CallLayout::kIa32, a type Small with `static Result<T> widen(const Small&)` (if it is ever
/// read) and `static Result<void> narrow(const T&, Small&)` (if written); the same with a type Large where kIa32Large
/// differs from native. narrow() is given zeros.
template <class T>
struct Ia32Layout {};

template <class T>
concept HasSmallLayout = requires {
    typename Ia32Layout<T>::Small;
};
template <class T>
concept HasLargeLayout = requires {
    typename Ia32Layout<T>::Large;
};

/// An unsigned long or a pointer in a program's memory.
struct UserWord {
    u64 value;
};
/// A long (and time_t) in a program's memory.
struct UserLong {
    i64 value;
};

/// The layout that is the same in both kinds of 32-bit calls.
template <class T, class Other>
struct Ia32AlwaysSmall {
    using Small = Other;
    using Large = Other;
};

template <>
struct Ia32Layout<UserWord> : Ia32AlwaysSmall<UserWord, u32> {
    static Result<UserWord> widen(u32 w) { return UserWord{w}; }
    static Result<void> narrow(const UserWord& w, u32& out) {
        out = static_cast<u32>(w.value);
        return {};
    }
};
template <>
struct Ia32Layout<UserLong> : Ia32AlwaysSmall<UserLong, i32> {
    static Result<UserLong> widen(i32 w) { return UserLong{w}; }
    static Result<void> narrow(const UserLong& w, i32& out) {
        out = static_cast<i32>(w.value);
        return {};
    }
};

/// A structure of two longs.
struct Ia32Pair {
    i32 first, second;
};
template <class T>
struct Ia32PairLayout {
    using Small = Ia32Pair;
    static Result<T> widen(const Small& s) { return T{s.first, s.second}; }
    static Result<void> narrow(const T& t, Small& out) {
        const auto& [first, second] = t;
        out = {static_cast<i32>(first), static_cast<i32>(second)};
        return {};
    }
};
/// struct timespec, whose 64-bit form a 32-bit program fills with anything in the upper half of tv_nsec.
template <class T>
struct Ia32TimespecLayout : Ia32PairLayout<T> {
    using Ia32PairLayout<T>::widen;
    using Ia32PairLayout<T>::narrow;
    struct Large {
        i64 seconds;
        u32 nanoseconds, padding;
    };
    static Result<T> widen(const Large& l) { return T{l.seconds, static_cast<i64>(l.nanoseconds)}; }
    static Result<void> narrow(const T& t, Large& out) {
        out = {t.tv_sec, static_cast<u32>(t.tv_nsec), 0};
        return {};
    }
};
/// struct itimerval and struct itimerspec: two structures Part, `interval` and `value`.
template <class T, class Part>
struct Ia32IntervalLayout {
    template <class Raw>
    struct Two {
        Raw interval, value;
    };
    using Small = Two<typename Ia32Layout<Part>::Small>;
    template <class Raw>
    static Result<T> widen(const Two<Raw>& two) {
        return T{TRY(Ia32Layout<Part>::widen(two.interval)), TRY(Ia32Layout<Part>::widen(two.value))};
    }
    template <class Raw>
    static Result<void> narrow(const T& t, Two<Raw>& out) {
        TRY(Ia32Layout<Part>::narrow(t.interval, out.interval));
        return Ia32Layout<Part>::narrow(t.value, out.value);
    }
};
template <class T, class Part>
struct Ia32ItimerspecLayout : Ia32IntervalLayout<T, Part> {
    using Large = typename Ia32IntervalLayout<T, Part>::template Two<typename Ia32Layout<Part>::Large>;
};

/// A file offset in a program's memory: 32 bits in i386's older calls.
struct UserOffset {
    i64 value;
};
template <>
struct Ia32Layout<UserOffset> {
    using Small = i32;
    static Result<UserOffset> widen(i32 offset) { return UserOffset{offset}; }
    static Result<void> narrow(const UserOffset& offset, i32& out) {
        if (offset.value != static_cast<i32>(offset.value)) return Errno::EFAULT;
        out = static_cast<i32>(offset.value);
        return {};
    }
};
