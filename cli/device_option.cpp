#include "cli/device_option.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "cli/guest_options.h"
#include "devices/fw_cfg.h"
#include "emulator/machine/boot/boot_image.h"

namespace orrery {

namespace {

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

// "key=value" as its two halves; the value is empty where there is none.
std::pair<std::string, std::string> halves(const std::string& part) {
    const size_t at = part.find('=');
    if (at == std::string::npos) return {part, ""};
    return {part.substr(0, at), part.substr(at + 1)};
}

u16 port_number(const std::string& option, const std::string& text) {
    const bool hexadecimal = text.starts_with("0x");
    const char* begin = text.data() + (hexadecimal ? 2 : 0);
    const char* end = text.data() + text.size();
    u16 value = 0;
    const auto [rest, error] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
    if (error != std::errc() || rest != end || begin == end)
        throw UsageError("--device " + option + ": '" + text + "' is no port number");
    return value;
}

void add_debug_exit(const std::string& option, const std::vector<std::string>& parts, TestDevices& wanted) {
    wanted.exit_port = 0x501;
    wanted.exit_ports = 2;
    for (size_t i = 1; i < parts.size(); ++i) {
        const auto [key, value] = halves(parts[i]);
        if (key == "iobase") {
            wanted.exit_port = port_number(option, value);
        } else if (key == "iosize") {
            wanted.exit_ports = port_number(option, value);
        } else {
            throw UsageError(fmt::format("--device {}: there are iobase and iosize, no '{}'", option, key));
        }
    }
    if (wanted.exit_ports != 1 && wanted.exit_ports != 2 && wanted.exit_ports != 4)
        throw UsageError("--device " + option + ": iosize is 1, 2 or 4");
    if (wanted.exit_port + wanted.exit_ports > 0x10000)
        throw UsageError("--device " + option + ": there are 65536 ports");
    // Where it is in any case.
    if (wanted.exit_port == 0xf4) wanted.exit_ports = 0;
}

FwCfgFile read_file_option(const std::string& option) {
    const auto parts = split(option);
    FwCfgFile file{parts[0].starts_with("name=") ? parts[0].substr(5) : parts[0], {}};
    if (file.name.empty() || file.name.size() > FwCfg::kNameLength)
        throw UsageError("--fw_cfg " + option + ": a name has 1 to " + std::to_string(FwCfg::kNameLength) +
                         " bytes");
    // A text may have commas.
    const std::string rest = option.size() > parts[0].size() ? option.substr(parts[0].size() + 1) : "";
    const auto [key, value] = halves(rest);
    if (key == "string") {
        file.bytes.assign(value.begin(), value.end());
    } else if (key == "file") {
        file.bytes = read_boot_image(value).bytes;
    } else {
        throw UsageError("--fw_cfg " + option + ": NAME,file=PATH or NAME,string=TEXT");
    }
    return file;
}

}  // namespace

TestDevices parse_test_devices(const std::vector<std::string>& devices,
                               const std::vector<std::string>& files) {
    TestDevices wanted;
    for (const std::string& option : devices) {
        const auto parts = split(option);
        if (parts[0] == "isa-debug-exit") {
            add_debug_exit(option, parts, wanted);
        } else if (parts.size() == 1 && parts[0] == "pc-testdev") {
            wanted.pc_testdev = true;
        } else if (parts.size() == 1 && parts[0] == "fw_cfg") {
            wanted.fw_cfg = true;
        } else {
            throw UsageError("--device " + option +
                             ": there are isa-debug-exit[,iobase=N][,iosize=N], pc-testdev and fw_cfg");
        }
    }
    std::set<std::string> names;
    for (const std::string& option : files) {
        wanted.fw_cfg = true;
        wanted.fw_cfg_files.push_back(read_file_option(option));
        if (!names.insert(wanted.fw_cfg_files.back().name).second)
            throw UsageError("--fw_cfg " + option + ": the name is taken");
    }
    return wanted;
}

}  // namespace orrery
