// What the kernel lets the vDSO see: the clock's parameters, in a page that every program maps read-only.
//
// Guarantees: `seq` is odd while the others change.
#pragma once

struct VdsoData {
    unsigned seq;
    unsigned tick_ns;
    unsigned long tsc_base;
    unsigned long mult;         // 32.32 fixed point: ns per tick
    unsigned long real_offset;  // ns from monotonic to real time
};
