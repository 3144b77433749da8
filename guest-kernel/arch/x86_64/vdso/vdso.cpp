// The vDSO (vdso(7)): clock_gettime, gettimeofday, time and getcpu without entering the kernel. A shared object of
// its own, mapped into every program; see vdso.ld for its layout and time/vdso_data.h for what it reads.
//
// Guarantees: gives what the system call gives; whatever it cannot answer it asks the kernel. Built with frame
// information, so that debuggers unwind through it. No data of its own, no relocations.
#include "time/vdso_data.h"

extern "C" {
extern const VdsoData vvar_page __attribute__((visibility("hidden")));
}

namespace {

constexpr long kNsPerSecond = 1'000'000'000;

struct Timespec {
    long sec, nsec;
};
struct Timeval {
    long sec, usec;
};

inline unsigned long read_tsc() {
    unsigned low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return static_cast<unsigned long>(high) << 32 | low;
}

inline long system_call(long number, long a, long b) {
    long result;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

enum class Base { kMonotonic, kRealtime };

/// Nanoseconds of a clock, in whole `unit`s.
inline unsigned long now(Base base, unsigned long unit) {
    const VdsoData& v = vvar_page;
    for (;;) {
        const unsigned seq = __atomic_load_n(&v.seq, __ATOMIC_ACQUIRE);
        const unsigned long ticks = read_tsc() - v.tsc_base;
        unsigned long ns = static_cast<unsigned long>(static_cast<unsigned __int128>(ticks) * v.mult >> 32);
        if (base == Base::kRealtime) ns += v.real_offset;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (seq & 1 || __atomic_load_n(&v.seq, __ATOMIC_RELAXED) != seq) continue;
        return ns - ns % unit;
    }
}

inline void store(Timespec* out, unsigned long ns) {
    out->sec = static_cast<long>(ns / kNsPerSecond);
    out->nsec = static_cast<long>(ns % kNsPerSecond);
}

}  // namespace

extern "C" {

int __vdso_clock_gettime(int clock, Timespec* out) {
    switch (clock) {
        case 0:   // CLOCK_REALTIME
        case 11:  // CLOCK_TAI
            store(out, now(Base::kRealtime, 1));
            return 0;
        case 1:  // CLOCK_MONOTONIC
        case 4:  // CLOCK_MONOTONIC_RAW
        case 7:  // CLOCK_BOOTTIME
            store(out, now(Base::kMonotonic, 1));
            return 0;
        case 5:  // CLOCK_REALTIME_COARSE
            store(out, now(Base::kRealtime, vvar_page.tick_ns));
            return 0;
        case 6:  // CLOCK_MONOTONIC_COARSE
            store(out, now(Base::kMonotonic, vvar_page.tick_ns));
            return 0;
        default:
            return static_cast<int>(system_call(228, clock, reinterpret_cast<long>(out)));
    }
}

int __vdso_clock_getres(int clock, Timespec* out) {
    return static_cast<int>(system_call(229, clock, reinterpret_cast<long>(out)));
}

int __vdso_gettimeofday(Timeval* time, void* zone) {
    if (zone)
        return static_cast<int>(system_call(96, reinterpret_cast<long>(time), reinterpret_cast<long>(zone)));
    if (time) {
        const unsigned long ns = now(Base::kRealtime, 1);
        time->sec = static_cast<long>(ns / kNsPerSecond);
        time->usec = static_cast<long>(ns % kNsPerSecond / 1000);
    }
    return 0;
}

long __vdso_time(long* out) {
    const long seconds = static_cast<long>(now(Base::kRealtime, 1) / kNsPerSecond);
    if (out) *out = seconds;
    return seconds;
}

// The limit of the segment that the kernel keeps for this: CPU in the low 12 bits, node above.
long __vdso_getcpu(unsigned* cpu, unsigned* node, void*) {
    unsigned limit;
    asm volatile("lsl %1, %0" : "=r"(limit) : "r"(0x7bu));
    if (cpu) *cpu = limit & 0xfff;
    if (node) *node = limit >> 12;
    return 0;
}

int clock_gettime(int, Timespec*) __attribute__((weak, alias("__vdso_clock_gettime")));
int clock_getres(int, Timespec*) __attribute__((weak, alias("__vdso_clock_getres")));
int gettimeofday(Timeval*, void*) __attribute__((weak, alias("__vdso_gettimeofday")));
long time(long*) __attribute__((weak, alias("__vdso_time")));
long getcpu(unsigned*, unsigned*, void*) __attribute__((weak, alias("__vdso_getcpu")));

}  // extern "C"
