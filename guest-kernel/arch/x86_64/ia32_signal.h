// The frames of handlers of 32-bit programs (Linux: asm/sigframe.h, asm/ia32.h, arch/x86/kernel/signal_32.c).
//
// Guarantees: as arch/x86_64/signal_frame.cpp; a handler with SA_SIGINFO gets the frame of rt_sigreturn, one without the
// older one of sigreturn.
#pragma once

#include "abi/signal.h"
#include "core/result.h"

struct pt_regs;

/// Build the frame of a handler that was installed by a 32-bit call. EFAULT.
Result<void> setup_ia32_frame(const KSigInfo& info, const KSigAction& action, SigSet saved_mask,
                              pt_regs* regs);
/// What AT_MINSIGSTKSZ says: the largest frame.
u64 ia32_frame_size();
