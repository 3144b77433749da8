// panic, BUG_ON and the back trace.
//
// Guarantees: works with any lock held and in any context; a panic inside a panic only halts. Frames are
// followed by RBP only while they lie on plausible kernel stack addresses.
#include "core/panic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"
#include "core/cmdline.h"
#include "core/printk.h"
#include "core/string.h"
#include "core/trace.h"
#include "drivers/power.h"
#include "drivers/serial.h"
#include "task/task.h"

extern "C" char _text[], _etext[];

void dump_back_trace(u64 rbp) {
    printk(KERN_EMERG "Call Trace:\n");
    for (int depth = 0; depth < 24 && (rbp & 7) == 0 && rbp > 0xffff800000000000ull && rbp < ~0ull - 16;
         depth++) {
        const u64* frame = reinterpret_cast<const u64*>(rbp);
        const u64 address = frame[1];
        if (address < reinterpret_cast<u64>(_text) || address >= reinterpret_cast<u64>(_etext)) break;
        printk(KERN_EMERG " [<%016lx>]\n", address);
        if (frame[0] <= rbp) break;
        rbp = frame[0];
    }
}

void panic(const char* format, ...) {
    static bool panicking = false;  // on any CPU
    local_irq_disable();
    if (!__atomic_exchange_n(&panicking, true, __ATOMIC_RELAXED)) {
        console_loglevel = 10;
        stop_other_cpus();
        this_cpu().lock_rank = 0;
        serial_break_lock();
        log_break_lock();
        char text[200];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        printk(KERN_EMERG "Kernel panic - not syncing: %s\n", text);
        printk(KERN_EMERG "CPU: %u PID: %d Comm: %s\n", this_cpu().cpu_number, current()->pid,
               current()->comm);
        dump_back_trace(reinterpret_cast<u64>(__builtin_frame_address(0)));
        printk(KERN_EMERG "---[ end Kernel panic - not syncing: %s ]---\n", text);
        if (cmdline_has("orrery.exit_on_panic")) debug_exit(kDebugExitPanic);
    }
    for (;;) asm volatile("cli; hlt");
}

void bug(const char* condition, const char* file, int line) {
    panic("BUG: %s at %s:%d", condition, file, line);
}
