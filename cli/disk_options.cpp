#include "cli/disk_options.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "cli/guest_options.h"
#include "cli/own_files.h"

namespace orrery {

namespace {

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

DiskConfig parse_disk(const std::string& text) {
    const std::vector<std::string> words = split_at_commas(text);
    DiskConfig config;
    config.path = words[0] == "@debian" ? debian_disk() : words[0];
    if (config.path.empty()) throw UsageError("--disk " + text + ": no file is named");
    if (words.size() > 2) throw UsageError("--disk " + text + ": one of overlay, readonly, rw, please");
    if (words.size() == 1 || words[1] == "overlay") return config;
    if (words[1] == "readonly") {
        config.mode = Disk::Mode::ReadOnly;
    } else if (words[1] == "rw") {
        config.mode = Disk::Mode::ReadWrite;
    } else {
        throw UsageError("--disk " + text + ": " + words[1] + " is not one of overlay, readonly, rw");
    }
    return config;
}

DiskConfig parse_drive(const std::string& text) {
    DiskConfig config;
    bool read_only = false;
    bool snapshot = true;
    for (const std::string& word : split_at_commas(text)) {
        const size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        const std::string value = equals == std::string::npos ? "on" : word.substr(equals + 1);
        const auto refuse = [&] {
            throw UsageError(fmt::format("--drive {}: {} is not understood", text, word));
        };
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
    if (config.path.empty()) throw UsageError("--drive " + text + ": no file is named (file=…)");
    if (read_only) {
        config.mode = Disk::Mode::ReadOnly;
    } else if (!snapshot) {
        config.mode = Disk::Mode::ReadWrite;
    }
    return config;
}

}  // namespace orrery
