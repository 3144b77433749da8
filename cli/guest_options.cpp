#include "cli/guest_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/command_archive.h"
#include "cli/device_option.h"
#include "cli/disk_options.h"
#include "cli/display_options.h"
#include "cli/net_options.h"
#include "cli/own_files.h"

namespace orrery {

void GuestOptions::declare(CLI::App& app) {
    app.add_flag("--linux", on_linux, "Boot Debian's own kernel, with busybox (docs/linux.md)");
    app.add_option(
        "--kernel", kernel,
        "Kernel to boot: ELF with a PVH note, multiboot, or Linux bzImage (default: Orrery's own)");
    app.add_option("--initrd", initrd,
                   "Initial RAM file system (cpio); for multiboot: \"FILE ARGUMENTS,FILE\"");
    app.add_option("--append", append, "Words added to the kernel's command line");
    app.add_option(
           "--disk", disks,
           "Disk image FILE[,overlay|,readonly|,rw]: what the guest writes is kept in memory (overlay,\n"
           "the default), refused, or written to the file; may be given again. @debian: docs/linux.md's disk")
        ->allow_extra_args(false);
    app.add_option("--drive", drives, "The same, as QEMU spells it: file=F,if=virtio,format=raw,readonly=on")
        ->allow_extra_args(false);
    app.add_option("--nic", nic,
                   "Network card: none, or model=virtio[,mac=52:54:00:12:34:56]; no cable is plugged in")
        ->capture_default_str();
    app.add_option("--vga", vga, "Display: std, none, or auto: one for a Linux kernel that is looked at")
        ->check(CLI::IsMember({"auto", "std", "none"}))
        ->capture_default_str();
    app.add_option("--display-size", display_size, "Its width and height in pixels")->capture_default_str();
    app.add_option("-m", memory, "Memory: 512M, 2G; a plain number is MiB")->capture_default_str();
    app.add_option("--cpu", cpu_profile,
                   "Processor: x86-64-v2, or v3 (AVX2, BMI, FMA and their like); flags after it: v2,pku,la57")
        ->check([](const std::string& name) -> std::string {
            return orrery::cpu_profile(name) ? "" : "no such processor: " + name;
        })
        ->capture_default_str();
    app.add_option("--smp", cpus, "Virtual CPUs, 1 to 8")->capture_default_str();
    app.add_option("--seed", seed, "Seed of everything random in the machine")->capture_default_str();
    app.add_option("--clock", clock, "Virtual time: cycles of a modelled core, or icount")
        ->check(CLI::IsMember({"cycles", "icount"}))
        ->capture_default_str();
    app.add_option("--device", devices,
                   "Test devices: isa-debug-exit[,iobase=N][,iosize=N], pc-testdev, fw_cfg")
        ->expected(1)
        ->allow_extra_args(false);
    app.add_option("--fw_cfg", fw_cfg, "A file in fw_cfg: NAME,file=PATH or NAME,string=TEXT")
        ->expected(1)
        ->allow_extra_args(false);
    app.add_option("--max-insns", max_instructions, "Stop after this many instructions (exit status 124)");
}

u64 parse_memory_size(const std::string& text) {
    u64 value = 0;
    const char* end = text.data() + text.size();
    auto [rest, error] = std::from_chars(text.data(), end, value);
    unsigned shift = 20;
    if (error == std::errc() && rest + 1 == end) {
        switch (*rest) {
            case 'K':
            case 'k':
                shift = 10;
                break;
            case 'M':
            case 'm':
                shift = 20;
                break;
            case 'G':
            case 'g':
                shift = 30;
                break;
            default:
                error = std::errc::invalid_argument;
        }
    } else if (rest != end) {
        error = std::errc::invalid_argument;
    }
    if (error != std::errc() || text.empty())
        throw UsageError("-m " + text + ": not a size (try 512M or 2G)");
    if (value == 0) throw UsageError("-m " + text + ": a machine needs memory");
    if (value > (u64{64} << 30) >> shift) throw UsageError("-m " + text + ": more than 64G");
    const u64 bytes = value << shift;
    if (bytes % kPageSize != 0) throw UsageError("-m " + text + ": not a multiple of 4K");
    return bytes;
}

MachineConfig GuestOptions::machine_config() const {
    MachineConfig config;
    config.ram_size = parse_memory_size(memory);
    config.cpus = cpus;
    config.features = *orrery::cpu_profile(cpu_profile);
    config.seed = seed;
    for (const std::string& disk : disks) config.disks.push_back(parse_disk(disk));
    for (const std::string& drive : drives) config.disks.push_back(parse_drive(drive));
    if (config.disks.size() > 8) throw UsageError("--disk: the machine has up to 8 disks");
    config.network = parse_nic(nic);
    config.display = display_config();
    config.clock = clock == "icount" ? ClockMode::InstructionCount : ClockMode::Cycles;
    if (cpus == 0 || cpus > 8)
        throw UsageError("--smp " + std::to_string(cpus) + ": the machine has 1 to 8 CPUs");
    config.test_devices = parse_test_devices(devices, fw_cfg);
    return config;
}

void GuestOptions::choose_kernel(BootImages& images) const {
    images.kernel = kernel;
    images.initrd = initrd;
    if (on_linux && !kernel.empty()) throw UsageError("--linux is a kernel of its own: leave out --kernel");
    if (!kernel.empty()) return;
    const std::string images_of_linux = on_linux ? linux_images() : "";
    images.kernel = on_linux ? images_of_linux + "/bzImage" : own_file("guest-kernel.elf");
    if (initrd.empty())
        images.initrd = on_linux ? images_of_linux + "/initramfs.cpio" : own_file("images/initramfs.cpio");
}

// Orrery's own kernel does not draw.
DisplayConfig GuestOptions::display_config() const {
    return parse_display(vga, display_size, display_shown && (on_linux || !kernel.empty()));
}

BootImages GuestOptions::boot_images() const {
    BootImages images;
    choose_kernel(images);
    images.command_line = on_linux ? "console=ttyS0" : "console=ttyS0 orrery.exit_on_panic";
    images.arguments = append;
    // The last console is also the one that init has.
    if (display_config().present) images.command_line = "console=tty0 " + images.command_line;
    if (has_command()) {
        if (images.initrd.empty()) throw UsageError("a command after -- needs an initrd whose init runs it");
        // On Linux "quiet" lets errors through to the console, and a panic waits for somebody.
        images.command_line += on_linux ? " quiet loglevel=1 panic=-1" : " quiet";
        images.extra_initrd = command_archive(command);
    }
    if (!append.empty()) images.command_line += " " + append;
    return images;
}

}  // namespace orrery
