#include "emulator/machine/config/net_words.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "emulator/machine/config/config_error.h"

namespace orrery {

namespace {

// Six pairs of hexadecimal digits with colons between them, of a single station.
bool parse_mac(const std::string& text, MacAddress& mac) {
    if (text.size() != 3 * mac.size() - 1) return false;
    for (size_t i = 0; i < mac.size(); ++i) {
        const char* at = text.data() + 3 * i;
        const auto [end, error] = std::from_chars(at, at + 2, mac[i], 16);
        if (error != std::errc() || end != at + 2 || (i + 1 < mac.size() && *end != ':')) return false;
    }
    return (mac[0] & 1) == 0;
}

}  // namespace

NetConfig parse_nic(const std::string& text) {
    NetConfig config;
    if (text == "none") {
        config.present = false;
        return config;
    }
    std::istringstream words(text);
    std::string word;
    while (std::getline(words, word, ',')) {
        if (word.starts_with("mac=")) {
            if (!parse_mac(word.substr(4), config.mac))
                throw ConfigError(word.substr(4) + " is no address of a card");
        } else if (word == "user" || word == "tap" || word == "bridge") {
            throw ConfigError("the card has no connection to a network yet");
        } else if (word != "virtio" && word != "model=virtio" && word != "model=virtio-net-pci") {
            throw ConfigError(word + " is not understood (none, model=virtio, mac=…)");
        }
    }
    return config;
}

std::string nic_text(const NetConfig& config) {
    if (!config.present) return "none";
    std::string text = "model=virtio,mac=";
    for (size_t i = 0; i < config.mac.size(); ++i)
        text += fmt::format("{}{:02x}", i == 0 ? "" : ":", config.mac[i]);
    return text;
}

}  // namespace orrery
