#include "emulator/machine/config/disk_words.h"

#include <optional>
#include <vector>

#include "emulator/machine/config/config_error.h"

namespace orrery {

namespace {

constexpr const char* kModes[] = {"readonly", "overlay", "rw"};  // Disk::Mode

// At single commas; a doubled one stands for itself.
std::vector<std::string> split_at_commas(const std::string& text) {
    std::vector<std::string> words(1);
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',') {
            words.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            words.back() += text[i++];
        } else {
            words.emplace_back();
        }
    }
    return words;
}

std::optional<bool> on_or_off(const std::string& value) {
    if (value == "on" || value == "yes" || value == "true") return true;
    if (value == "off" || value == "no" || value == "false") return false;
    return std::nullopt;
}

}  // namespace

DiskConfig parse_disk(const std::string& word) {
    const std::vector<std::string> words = split_at_commas(word);
    DiskConfig config;
    config.path = words[0];
    if (words.size() > 2) throw ConfigError("one of overlay, readonly, rw, please");
    if (words.size() == 1) return config;
    for (size_t i = 0; i < std::size(kModes); ++i) {
        config.mode = static_cast<Disk::Mode>(i);
        if (words[1] == kModes[i]) return config;
    }
    throw ConfigError(words[1] + " is not one of overlay, readonly, rw");
}

std::string disk_text(const DiskConfig& disk) {
    std::string text;
    for (const char letter : disk.path) text += letter == ',' ? ",," : std::string(1, letter);
    return text + "," + kModes[static_cast<u8>(disk.mode)];
}

DiskConfig parse_drive(const std::string& drive) {
    DiskConfig config;
    bool read_only = false;
    bool snapshot = true;
    for (const std::string& word : split_at_commas(drive)) {
        const size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        const std::string value = equals == std::string::npos ? "on" : word.substr(equals + 1);
        const auto refuse = [&] { throw ConfigError(word + " is not understood"); };
        if (key == "file") {
            config.path = value;
        } else if (key == "readonly" || key == "snapshot") {
            const std::optional<bool> wanted = on_or_off(value);
            if (!wanted) refuse();
            (key == "readonly" ? read_only : snapshot) = *wanted;
        } else if (word != "if=virtio" && word != "format=raw" && word != "media=disk") {
            refuse();
        }
    }
    if (config.path.empty()) throw ConfigError("no file is named (file=…)");
    if (read_only) {
        config.mode = Disk::Mode::ReadOnly;
    } else if (!snapshot) {
        config.mode = Disk::Mode::ReadWrite;
    }
    return config;
}

}  // namespace orrery
