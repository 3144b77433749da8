#include "arch/x86_64/tls.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr unsigned kFirstTls = 12, kTlsEntries = 3;
static_assert(kTlsEntries == sizeof(thread_struct::tls) / sizeof(u64));

u16 read_ds() {
    u16 s;
    asm volatile("movw %%ds, %0" : "=r"(s));
    return s;
}
u16 read_es() {
    u16 s;
    asm volatile("movw %%es, %0" : "=r"(s));
    return s;
}
u16 read_fs() {
    u16 s;
    asm volatile("movw %%fs, %0" : "=r"(s));
    return s;
}
u16 read_gs() {
    u16 s;
    asm volatile("movw %%gs, %0" : "=r"(s));
    return s;
}

/// `selector` if this CPU can load it into a data segment register, else null.
u16 loadable(u16 selector) {
    if (selector <= 3) return selector;
    return is_user_data(descriptor_of(selector)) ? selector : u16{0};
}
/// GS belongs to the kernel now: the user's is behind SWAPGS. Interrupts off.
void load_user_gs(u16 selector) {
    asm volatile("swapgs; movw %0, %%gs; swapgs" ::"r"(selector) : "memory");
}

/// The selectors of `thread` into the registers, those that are null already left alone.
void load_registers(const thread_struct& thread) {
    if (thread.ds | read_ds()) asm volatile("movw %0, %%ds" ::"r"(loadable(thread.ds)) : "memory");
    if (thread.es | read_es()) asm volatile("movw %0, %%es" ::"r"(loadable(thread.es)) : "memory");
    const u16 fs = loadable(thread.fs), gs = loadable(thread.gs);
    if (fs | read_fs()) asm volatile("movw %0, %%fs" ::"r"(fs) : "memory");
    if (fs <= 3) wrmsr(kMsrFsBase, thread.fsbase);
    if (gs | read_gs()) load_user_gs(gs);
    if (gs <= 3) wrmsr(kMsrKernelGsBase, thread.gsbase);
}

void load_descriptors(const thread_struct& thread) {
    u64* gdt = this_cpu().tables->gdt;
    for (unsigned i = 0; i < kTlsEntries; i++) gdt[kFirstTls + i] = thread.tls[i];
}

/// What set_thread_area takes: a data segment of 32 bits, or nothing.
bool acceptable(const UserDesc& d) {
    if (d.is_empty() || d.is_zero()) return true;
    return d.seg_32bit() && d.contents() <= 1 && !d.seg_not_present();
}

Result<unsigned> free_entry(const thread_struct& thread) {
    for (unsigned i = 0; i < kTlsEntries; i++) {
        if (!thread.tls[i]) return kFirstTls + i;
    }
    return Errno::ESRCH;
}

Result<void> set_tls(thread_struct& thread, unsigned entry, const UserDesc& d) {
    if (entry < kFirstTls || entry >= kFirstTls + kTlsEntries) return Errno::EINVAL;
    thread.tls[entry - kFirstTls] = d.is_empty() || d.is_zero() ? 0 : d.descriptor();
    return {};
}

}  // namespace

void save_segments(thread_struct& thread) {
    thread.ds = read_ds();
    thread.es = read_es();
    thread.fs = read_fs();
    thread.gs = read_gs();
    if (thread.fs > 3) thread.fsbase = 0;
    if (thread.gs > 3) thread.gsbase = 0;
}

void refresh_segments() {
    thread_struct& thread = current()->thread;
    save_segments(thread);
    load_registers(thread);
}

void switch_segments(task_struct* prev, task_struct* next) {
    if (prev->mm) save_segments(prev->thread);
    if (!next->mm) return;  // the registers stay until the next program's
    load_ldt(*next->mm);
    load_descriptors(next->thread);
    load_registers(next->thread);
}

void reset_segments(u16 data) {
    const IrqsOff guard;
    thread_struct& thread = current()->thread;
    for (u64& entry : thread.tls) entry = 0;
    thread.ds = thread.es = data;
    thread.fs = thread.gs = 0;
    thread.fsbase = thread.gsbase = 0;
    load_ldt(*current()->mm);
    load_descriptors(thread);
    load_registers(thread);
}

void load_segments(u16 ds, u16 es, u16 fs, u16 gs) {
    const IrqsOff guard;
    thread_struct& thread = current()->thread;
    save_segments(thread);
    thread.ds = ds > 3 ? ds | 3 : ds;
    thread.es = es > 3 ? es | 3 : es;
    thread.fs = fs > 3 ? fs | 3 : fs;
    thread.gs = gs > 3 ? gs | 3 : gs;
    load_registers(thread);
}

Result<void> set_child_tls(thread_struct& child, u64 user_desc) {
    const UserDesc d = TRY(UserPtr<UserDesc>(user_desc).read());
    if (!acceptable(d)) return Errno::EINVAL;
    return set_tls(child, d.entry_number, d);
}

SysResult sys_set_thread_area(u64 user_desc) {
    UserDesc d = TRY(UserPtr<UserDesc>(user_desc).read());
    if (!acceptable(d)) return Errno::EINVAL;
    thread_struct& thread = current()->thread;
    if (d.entry_number == ~0u) {
        d.entry_number = TRY(free_entry(thread));
        TRY(UserPtr<u32>(user_desc).write(d.entry_number));
    }
    const IrqsOff guard;
    save_segments(thread);
    TRY(set_tls(thread, d.entry_number, d));
    load_descriptors(thread);
    load_registers(thread);  // a register that has the selector sees its new descriptor
    return 0;
}

SysResult sys_get_thread_area(u64 user_desc) {
    const u32 entry = TRY(UserPtr<u32>(user_desc).read());
    if (entry < kFirstTls || entry >= kFirstTls + kTlsEntries) return Errno::EINVAL;
    TRY(UserPtr<UserDesc>(user_desc).write(UserDesc::of(entry, current()->thread.tls[entry - kFirstTls])));
    return 0;
}
