// kernel_main: from the end of boot.S to the first user process.
//
// Guarantees: each part is started once, after what it needs. What cannot be done without is a panic that
// says why.
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/vdso.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/random.h"
#include "core/runtime.h"
#include "core/string.h"
#include "drivers/acpi.h"
#include "drivers/apic.h"
#include "drivers/base/device.h"
#include "drivers/base/resource.h"
#include "drivers/loop.h"
#include "drivers/mem_devices.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_bus.h"
#include "drivers/port_device.h"
#include "drivers/rtc.h"
#include "drivers/serial.h"
#include "drivers/system/system_device.h"
#include "drivers/virtio/virtio_blk.h"
#include "drivers/virtio/virtio_bus.h"
#include "fs/ext4/register.h"
#include "fs/files_struct.h"
#include "fs/hugetlbfs/hugetlbfs.h"
#include "fs/initramfs.h"
#include "fs/overlay/overlay.h"
#include "fs/proc/proc.h"
#include "fs/sysfs/sysfs.h"
#include "fs/tmpfs/devtmpfs.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs.h"
#include "fs/vfs_ops.h"
#include "init/root_device.h"
#include "ipc/mqueue.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb.h"
#include "mm/kswapd.h"
#include "mm/memblock.h"
#include "mm/mm_sysfs.h"
#include "mm/vmstat.h"
#include "sched/load.h"
#include "sched/sched.h"
#include "task/cpu_clock.h"
#include "task/exec.h"
#include "task/fork.h"
#include "task/kthread.h"
#include "task/process_timers.h"
#include "task/task.h"
#include "task/uts.h"
#include "time/clock.h"
#include "time/clocksource.h"
#include "time/tick.h"
#include "tty/console.h"
#include "tty/pty.h"

extern "C" char _text[], _etext[], _rodata[], _erodata[], _data[], _end[];
extern "C" u8 init_stack[];
void setup_console_loglevel();

namespace {

u64 phys_of(const char* symbol) {
    return reinterpret_cast<u64>(symbol) - kKernelMap;
}

void setup_memory() {
    memblock_init();
    memblock_reserve(phys_of(_text), static_cast<u64>(_end - _text));
    memblock_reserve(boot_info.initrd_start, boot_info.initrd_size);
    for (u32 i = 0; i < boot_info.memory_count; i++) {
        const MemoryRange& r = boot_info.memory[i];
        const char* kind = r.type == 1   ? "usable"
                           : r.type == 3 ? "ACPI data"
                           : r.type == 4 ? "ACPI NVS"
                                         : "reserved";
        printk(KERN_INFO "BIOS-e820: [mem 0x%016lx-0x%016lx] %s\n", r.start, r.start + r.size - 1, kind);
    }
    setup_kernel_page_tables();
    buddy_init();
    vmstat_init();
    thp_init();
    hugetlb_init();
    // What the linker left between text, read-only data and data.
    buddy_add_reserved(phys_of(_etext), phys_of(_rodata));
    buddy_add_reserved(phys_of(_erodata), phys_of(_data));
    printk(KERN_INFO "Memory: %luK/%luK available (%luK kernel code, %luK rodata, %luK data and bss)\n",
           buddy_free_pages() * 4, buddy_total_pages() * 4 + static_cast<u64>(_end - _text) / 1024,
           static_cast<u64>(_etext - _text) / 1024, static_cast<u64>(_erodata - _rodata) / 1024,
           static_cast<u64>(_end - _data) / 1024);
}

void log_cpu() {
    const CpuFeatures& f = boot_cpu_features;
    printk(KERN_INFO "CPU0: %s %s (family 0x%x, model 0x%x, stepping 0x%x)\n", f.vendor, f.brand, f.family,
           f.model, f.stepping);
    printk(KERN_INFO "CPU0: using%s%s%s%s%s%s%s\n", f.nx ? " NX" : "", f.smep ? " SMEP" : "",
           f.smap ? " SMAP" : "", f.umip ? " UMIP" : "", f.pge ? " PGE" : "", f.pcid ? " PCID" : "", " WP");
}

/// What Linux's built-in initramfs holds (its usr/default_cpio_list), so that init has a console from the
/// start.
Result<void> make_default_tree() {
    constexpr dev_t kConsole = 5 << 8 | 1;
    TRY(vfs_mkdir(AT_FDCWD, "/dev", 0755));
    TRY(vfs_mknod(AT_FDCWD, "/dev/console", S_IFCHR | 0600, kConsole));
    TRY(vfs_mkdir(AT_FDCWD, "/root", 0700));
    return {};
}

void seed_random() {
    const u64 seed[] = {rdtsc(), ktime_get_real_ns(), 0x6f72726572790001ull};
    add_device_randomness(seed, sizeof(seed));
}

void make_file_systems() {
    vdso_init();
    init_tmpfs();
    init_mqueue();
    mount_root(rootfs_type, "mode=755");
    init_devtmpfs();
    init_hugetlbfs();
    init_devices();
    init_sysfs();
    mm_sysfs_init();
    init_mem_devices();
    init_procfs();
    init_terminals();
    init_ptys();
    init_ext4();
    init_overlay();
}

void load_initramfs() {
    if (!make_default_tree().ok()) panic("cannot make the root directory's first entries");
    if (!boot_info.initrd_size) {
        if (!root_device_wanted()) panic("no initramfs and no root= was given: there is nothing to run");
        return;
    }
    printk(KERN_INFO "Unpacking initramfs...\n");
    const Result<void> result = unpack_initramfs(phys_to_virt(boot_info.initrd_start), boot_info.initrd_size);
    if (!result.ok())
        panic("the initramfs is damaged or too large: error %d", static_cast<int>(result.error()));
    buddy_add_reserved(align_up(boot_info.initrd_start, kPageSize),
                       align_down(boot_info.initrd_start + boot_info.initrd_size, kPageSize));
    printk(KERN_INFO "Freeing initrd memory: %luK\n", boot_info.initrd_size / 1024);
}

Result<void> open_console() {
    RefPtr<File> file = TRY(vfs_open("/dev/console", O_RDWR, 0));
    for (int fd = 0; fd < 3; fd++) TRY(current()->files->install_at(fd, file, false));
    return {};
}

/// The command line's "NAME=value" words and what stands after "--" go to init, as Linux hands them on.
struct InitArguments {
    const char* argv[32];
    const char* envp[32];
    char text[2048];
};
InitArguments init_arguments;

bool is_kernel_parameter(const char* word) {
    static const char* const known[] = {"console",  "quiet",       "debug",   "loglevel",   "rdinit",
                                        "init",     "sched",       "root",    "rootfstype", "rootflags",
                                        "rootwait", "ro",          "rw",      "panic",      "earlyprintk",
                                        "nokaslr",  "mitigations", "maxcpus", "nosmp"};
    if (strchr(word, '.')) return true;  // module.parameter
    for (const char* name : known) {
        const size_t n = strlen(name);
        if (strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == '=')) return true;
    }
    return false;
}

void split_arguments(const char* program) {
    InitArguments& a = init_arguments;
    size_t argc = 0, envc = 0;
    a.argv[argc++] = program;
    a.envp[envc++] = "HOME=/";
    a.envp[envc++] = "TERM=linux";
    copy_string(a.text, saved_command_line, sizeof(a.text));
    bool rest = false;
    for (char* p = a.text; *p;) {
        while (*p == ' ') *p++ = '\0';
        if (!*p) break;
        char* word = p;
        while (*p && *p != ' ') p++;
        if (*p) *p++ = '\0';
        if (!rest && strcmp(word, "--") == 0)
            rest = true;
        else if (!rest && is_kernel_parameter(word))
            continue;
        else if (!rest && strchr(word, '=')) {
            if (envc < 31) a.envp[envc++] = word;
        } else if (argc < 31)
            a.argv[argc++] = word;
    }
    a.argv[argc] = a.envp[envc] = nullptr;
}

bool try_init(const char* path) {
    split_arguments(path);
    const Result<void> result = kernel_execve(path, init_arguments.argv, init_arguments.envp);
    if (result.ok()) {
        printk(KERN_INFO "Run %s as init process\n", path);
        return true;
    }
    if (result.error() != Errno::ENOENT) {
        printk(KERN_ERR "Starting init: %s exists but couldn't execute it (error %d)\n", path,
               -static_cast<int>(result.error()));
    }
    return false;
}

/// What needs interrupts: they wait for their hardware.
void probe_devices() {
    pci_init();
    init_pci_bus();
    init_virtio_bus();
    init_virtio_blk();
}

bool exists(const char* path) {
    return vfs_open(path, O_PATH, 0).ok();
}

void kernel_init(void*) {
    probe_devices();
    start_reclaim_threads();
    load_initramfs();
    // An initramfs with a first program of its own goes on by itself; otherwise root= says where it is.
    char path[256];
    const bool given = cmdline_value("rdinit", path, sizeof(path));
    const bool to_disk = root_device_wanted() && !exists(given ? path : "/init");
    if (to_disk) mount_root_device();
    if (!open_console().ok()) printk(KERN_ERR "Warning: unable to open an initial console.\n");
    if (!to_disk && given) {
        if (try_init(path)) return;
        panic("Requested init %s failed.", path);
    }
    if (!to_disk && try_init("/init")) return;
    if (cmdline_value("init", path, sizeof(path))) {
        if (try_init(path)) return;
        panic("Requested init %s failed.", path);
    }
    for (const char* candidate : {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"}) {
        if (try_init(candidate)) return;
    }
    panic("No working init found. Try passing init= option to kernel.");
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(u64 start_info) {
    this_cpu().current_task = &init_task;
    run_global_constructors();
    log_clock = ktime_get_ns;
    init_task.stack = init_stack;
    read_boot_info(start_info);
    setup_console_loglevel();
    serial_early_init();
    printk(KERN_NOTICE "Linux version %s (Orrery) %s\n", init_uts.release, init_uts.version);
    printk(KERN_INFO "Command line: %s\n", saved_command_line);
    setup_gdt(boot_cpu_tables);
    fill_idt();
    load_idt();
    detect_cpu_features();
    enable_cpu_features();
    setup_syscall();
    log_cpu();
    setup_memory();
    acpi_init(boot_info.rsdp);
    apic_init();
    init_resources();
    clocksource_init();
    tick_init();
    seed_random();
    make_file_systems();
    init_port_device();
    init_rtc_device();
    init_loop();
    init_first_task();
    sched_init();
    on_tick([](bool) {
        if (current()->mm) check_cpu_timers(current());
        check_cpu_waits();
    });
    serial_init();
    for (unsigned n = 0; n < 2; n++) {
        TtyDriver* serial = serial_tty_driver(n);
        if (serial && !console_tty_register(*serial, serial->name(), 4, 64 + n, n == 0).ok())
            panic("tty: no memory for %s", serial->name());
    }
    load_init();
    local_irq_enable();
    start_other_cpus();
    init_system_devices();
    const Result<pid_t> init = kernel_thread(kernel_init, nullptr, "init");
    if (!init.ok()) panic("cannot make the first process");
    start_kthreadd();
    cpu_idle();
}
