// The host's CPU for the kernel's unit tests: shadows guest-kernel/arch/x86_64/percpu.h, which reaches it through GS.
#pragma once

#include "core/types.h"

constexpr unsigned kMaxCpus = 8;

struct CpuData {
    u32 cpu_number = 0;
    u32 preempt_count = 0;
    u32 lock_rank = 0;
};
CpuData& this_cpu();

template <class T>
class PerCpu {
  public:
    T& here() { return value_; }
    T& on(unsigned) { return value_; }

  private:
    T value_;
};
