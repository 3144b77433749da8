// struct sigevent: how timer_create(2) and mq_notify(3) tell of something.
#pragma once

#include "abi/call_layout.h"
#include "core/types.h"

struct KSigEvent {
    u64 value;
    i32 signo, notify, thread, pad;
    u8 rest[40];
};
static_assert(sizeof(KSigEvent) == 64);
template <>
struct Ia32Layout<KSigEvent> {
    struct Small {
        u32 value;
        i32 signo, notify, thread;
        u8 rest[48];
    };
    static_assert(sizeof(Small) == 64);
    static Result<KSigEvent> widen(const Small& s) {
        return KSigEvent{s.value, s.signo, s.notify, s.thread, 0, {}};
    }
    using Large = Small;
};
