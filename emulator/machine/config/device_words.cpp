#include "emulator/machine/config/device_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "devices/fw_cfg.h"
#include "devices/isa_debug_exit.h"
#include "emulator/isa/number.h"
#include "emulator/machine/boot/boot_image.h"
#include "emulator/machine/config/config_error.h"

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

u16 port_number(const std::string& text) {
    if (const std::optional<u64> value = parse_number(text, 0xffff)) return static_cast<u16>(*value);
    throw ConfigError("'" + text + "' is no port number");
}

void add_debug_exit(const std::vector<std::string>& parts, TestDevices& wanted) {
    ExitPorts place{0x501, 2};
    for (size_t i = 1; i < parts.size(); ++i) {
        const auto [key, value] = halves(parts[i]);
        if (key == "iobase") {
            place.port = port_number(value);
        } else if (key == "iosize") {
            place.count = port_number(value);
        } else {
            throw ConfigError(fmt::format("there are iobase and iosize, no '{}'", key));
        }
    }
    if (place.count != 1 && place.count != 2 && place.count != 4) throw ConfigError("iosize is 1, 2 or 4");
    if (place.port + place.count > 0x10000) throw ConfigError("there are 65536 ports");
    // Where it is in any case.
    if (place.port == IsaDebugExit::kPort) return;
    if (std::find(wanted.exits.begin(), wanted.exits.end(), place) == wanted.exits.end())
        wanted.exits.push_back(place);
}

FwCfgFile read_file(const std::string& word) {
    const auto parts = split(word);
    FwCfgFile file{parts[0].starts_with("name=") ? parts[0].substr(5) : parts[0], {}};
    if (file.name.empty() || file.name.size() > FwCfg::kNameLength)
        throw ConfigError(fmt::format("a name has 1 to {} bytes", FwCfg::kNameLength));
    // A text may have commas.
    const std::string rest = word.size() > parts[0].size() ? word.substr(parts[0].size() + 1) : "";
    const auto [key, value] = halves(rest);
    if (key == "string") {
        file.bytes.assign(value.begin(), value.end());
    } else if (key == "file") {
        file.bytes = read_boot_image(value).bytes;
    } else {
        throw ConfigError("NAME,file=PATH or NAME,string=TEXT");
    }
    return file;
}

}  // namespace

void add_test_device(TestDevices& wanted, const std::string& word) {
    const auto parts = split(word);
    if (parts[0] == "isa-debug-exit") {
        add_debug_exit(parts, wanted);
    } else if (parts.size() == 1 && parts[0] == "pc-testdev") {
        wanted.pc_testdev = true;
    } else if (parts.size() == 1 && parts[0] == "fw_cfg") {
        wanted.fw_cfg = true;
    } else {
        throw ConfigError("there are isa-debug-exit[,iobase=N][,iosize=N], pc-testdev and fw_cfg");
    }
}

std::vector<std::string> test_device_list(const TestDevices& wanted) {
    std::vector<std::string> words;
    if (wanted.pc_testdev) words.emplace_back("pc-testdev");
    if (wanted.fw_cfg) words.emplace_back("fw_cfg");
    for (const ExitPorts& place : wanted.exits)
        words.push_back(fmt::format("isa-debug-exit,iobase={:#x},iosize={}", place.port, place.count));
    return words;
}

void add_fw_cfg_file(TestDevices& wanted, const std::string& word) {
    FwCfgFile file = read_file(word);
    for (const FwCfgFile& other : wanted.fw_cfg_files)
        if (other.name == file.name) throw ConfigError("the name is taken");
    wanted.fw_cfg = true;
    wanted.fw_cfg_files.push_back(std::move(file));
}

std::vector<std::string> fw_cfg_list(const TestDevices& wanted) {
    std::vector<std::string> words;
    for (const FwCfgFile& file : wanted.fw_cfg_files) words.push_back("name=" + file.name + ",string=");
    return words;
}

}  // namespace orrery
