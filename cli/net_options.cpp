#include "cli/net_options.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "cli/guest_options.h"

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
                throw UsageError(fmt::format("--nic {}: {} is no address of a card", text, word.substr(4)));
        } else if (word == "user" || word == "tap" || word == "bridge") {
            throw UsageError("--nic " + text + ": the card has no connection to a network yet");
        } else if (word != "virtio" && word != "model=virtio" && word != "model=virtio-net-pci") {
            throw UsageError(
                fmt::format("--nic {}: {} is not understood (none, model=virtio, mac=…)", text, word));
        }
    }
    return config;
}

}  // namespace orrery
