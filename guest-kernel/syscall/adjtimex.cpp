// adjtimex(2) and clock_adjtime(2): the variables of a time daemon. They are kept and shown, and ADJ_SETOFFSET moves
// the clock; its rate is the machine's and stays.
#include "sync/guarded.h"
#include "syscall/syscalls.h"
#include "task/task.h"
#include "time/clock.h"

namespace {

struct Timex {  // struct timex
    u32 modes, pad0;
    i64 offset, freq, maxerror, esterror;
    i32 status, pad1;
    i64 constant, precision, tolerance;
    i64 sec, usec;
    i64 tick;
    i64 ppsfreq, jitter;
    i32 shift, pad2;
    i64 stabil, jitcnt, calcnt, errcnt, stbcnt;
    i32 tai, unused[11];
};
static_assert(sizeof(Timex) == 208);

enum Mode : u32 {
    kOffset = 1,
    kFrequency = 2,
    kMaxError = 4,
    kEstError = 8,
    kStatus = 0x10,
    kTimeConst = 0x20,
    kTai = 0x80,
    kSetOffset = 0x100,
    kMicro = 0x1000,
    kNano = 0x2000,
    kTick = 0x4000,
    kSingleShot = 0x8000,
    kShowOffset = 0xa001,
};
constexpr i32 kUnsync = 0x40, kStaNano = 0x2000, kReadOnlyStatus = 0xff00;
constexpr i64 kErrorLimit = 16'000'000, kTolerance = 500ll << 16, kMaxConstant = 10;
constexpr long kTimeOk = 0, kTimeError = 5;

struct State {
    i64 offset = 0, freq = 0, maxerror = kErrorLimit, esterror = kErrorLimit, constant = 2, tick = 10000;
    i32 status = kUnsync, tai = 0;
};
Guarded<State, LockRank::kClockState> g_state;

Result<void> check(const Timex& t) {
    const bool may = current()->cred.has(kCapSysTime);
    if (t.modes & kSingleShot) {
        if (!(t.modes & kOffset)) return Errno::EINVAL;
        if (t.modes != kShowOffset && !may) return Errno::EPERM;
    } else {
        if (t.modes && !may) return Errno::EPERM;
        if (t.modes & kTick && (t.tick < 9000 || t.tick > 11000)) return Errno::EINVAL;
    }
    if (t.modes & kSetOffset) {
        if (!may) return Errno::EPERM;
        if (t.usec < 0 || t.usec >= (t.modes & kNano ? 1'000'000'000 : 1'000'000)) return Errno::EINVAL;
    }
    if (t.modes & kFrequency && (t.freq < -(1ll << 46) || t.freq > 1ll << 46)) return Errno::EINVAL;
    return {};
}

void apply(State& s, const Timex& t) {
    if (t.modes & kSingleShot) return;
    if (t.modes & kStatus) s.status = (s.status & kReadOnlyStatus) | (t.status & ~kReadOnlyStatus);
    if (t.modes & kNano) s.status |= kStaNano;
    if (t.modes & kMicro) s.status &= ~kStaNano;
    if (t.modes & kFrequency) s.freq = min(max(t.freq, -kTolerance), kTolerance);
    if (t.modes & kMaxError) s.maxerror = t.maxerror;
    if (t.modes & kEstError) s.esterror = t.esterror;
    if (t.modes & kTimeConst)
        s.constant = min(max<i64>(t.constant + (s.status & kStaNano ? 0 : 4), 0), kMaxConstant);
    if (t.modes & kTai && t.constant >= 0 && t.constant <= 0x7fffffff) s.tai = static_cast<i32>(t.constant);
    if (t.modes & kTick) s.tick = t.tick;
}

SysResult adjust(UserBytes user) {
    Timex t;
    TRY(user.copy_in(&t, sizeof(t)));
    TRY(check(t));
    if (t.modes & kSetOffset) {
        const i64 fraction = t.modes & kNano ? t.usec : t.usec * 1000;
        TRY(set_real_ns(ktime_get_real_ns() + static_cast<u64>(t.sec * 1'000'000'000 + fraction)));
    }
    State s;
    g_state.with([&](State& state) {
        apply(state, t);
        s = state;
    });
    const u32 modes = t.modes;
    t = {};
    t.modes = modes;
    t.offset = s.offset;
    t.freq = s.freq;
    t.maxerror = s.maxerror;
    t.esterror = s.esterror;
    t.status = s.status;
    t.constant = s.constant;
    t.precision = 1;
    t.tolerance = kTolerance;
    const timespec64 now = ns_to_timespec(ktime_get_real_ns());
    t.sec = now.tv_sec;
    t.usec = s.status & kStaNano ? now.tv_nsec : now.tv_nsec / 1000;
    t.tick = s.tick;
    t.tai = s.tai;
    TRY(user.copy_out(&t, sizeof(t)));
    return s.status & kUnsync ? kTimeError : kTimeOk;
}

}  // namespace

SysResult sys_adjtimex(UserBytes timex) {
    return adjust(timex);
}

SysResult sys_clock_adjtime(clockid_t clock, UserBytes timex) {
    Timex unused;
    TRY(timex.copy_in(&unused, sizeof(unused)));
    if (clock == 0) return adjust(timex);
    if (clock < 0 || clock > 11 || clock == 10) return Errno::EINVAL;
    return Errno::EOPNOTSUPP;
}
