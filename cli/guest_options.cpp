#include "cli/guest_options.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "cli/command_archive.h"
#include "cli/number_options.h"
#include "cli/own_files.h"
#include "emulator/machine/config/disk_words.h"
#include "emulator/machine/output_file.h"

namespace orrery {

namespace {

// Adds the option and its word to what is wrong with it.
void understand(const char* option, const std::string& word, const std::function<void()>& set) {
    try {
        set();
    } catch (const ConfigError& error) {
        throw UsageError(fmt::format("{} {}: {}", option, word, error.what()));
    }
}

}  // namespace

void GuestOptions::declare(CLI::App& app) {
    app.add_flag("--linux", on_linux, "Boot Debian's own kernel, with busybox (docs/linux.md)");
    app.add_option(
        "--kernel", kernel,
        "Kernel to boot: ELF with a PVH note, multiboot, or Linux bzImage (default: Orrery's own)");
    app.add_option("--initrd", initrd,
                   "Initial RAM file system (cpio); for multiboot: \"FILE ARGUMENTS,FILE\"");
    app.add_option("--append", append, "Words added to the kernel's command line");
    MachineConfig().visit([&](const ConfigField& field, const ConfigWords& words) {
        CLI::Option* option = app.add_option(field.option, machine[field.option], field.help);
        option->allow_extra_args(false)->type_name("");
        if (field.several) return;
        option->expected(1)->default_str(words.get().at(0));
    });
    app.get_option("--vga")->default_str("auto");
    app.get_option("--disk")->description(app.get_option("--disk")->get_description() +
                                          "; @debian: docs/linux.md's disk");
    app.add_option("--drive", drives, "The same, as QEMU spells it: file=F,if=virtio,format=raw,readonly=on")
        ->allow_extra_args(false);
    add_number(app, "--max-insns", max_instructions, "Stop after this many instructions (exit status 124)");
}

void check_output(const char* option, const std::string& path) {
    try {
        OutputFile::check(path);
    } catch (const OutputError& error) {
        throw UsageError(fmt::format("{} {}", option, error.what()));
    }
}

u64 parse_history(const std::string& text) {
    try {
        return parse_memory_size(text);
    } catch (const ConfigError&) {
        throw UsageError("--history " + text + ": not a size (try 512M or 2G)");
    }
}

// The words of the options, into the fields that they are for; of one option only if `only` names it.
void GuestOptions::apply(MachineConfig& config, const char* only) const {
    // Orrery's own kernel does not draw.
    config.display.present = display_shown && (on_linux || !kernel.empty());
    config.visit([&](const ConfigField& field, const ConfigWords& words) {
        const auto given = machine.find(field.option);
        if (given == machine.end() || (only != nullptr && std::string(only) != field.option)) return;
        for (const std::string& word : given->second)
            understand(field.option, word, [&] { words.set(word); });
    });
}

MachineConfig GuestOptions::machine_config() const {
    MachineConfig config;
    apply(config);
    for (const std::string& drive : drives)
        understand("--drive", drive, [&] { config.disks.push_back(parse_drive(drive)); });
    for (DiskConfig& disk : config.disks)
        if (disk.path == "@debian") disk.path = debian_disk();
    for (const DiskConfig& disk : config.disks)
        if (disk.path.empty()) throw UsageError("--disk " + disk_text(disk) + ": no file is named");
    check(config);
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

bool GuestOptions::has_display() const {
    MachineConfig config;
    apply(config, "--vga");
    return config.display.present;
}

BootImages GuestOptions::boot_images() const {
    BootImages images;
    choose_kernel(images);
    images.command_line = on_linux ? "console=ttyS0" : "console=ttyS0 orrery.exit_on_panic";
    images.arguments = append;
    // The last console is also the one that init has.
    if (has_display()) images.command_line = "console=tty0 " + images.command_line;
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
