// The header of a recording as JSON, there and back.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "emulator/time-travel/record/recorded_machine.h"

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

std::string to_hex(std::span<const u8> bytes) {
    std::string text;
    for (const u8 byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

std::vector<u8> from_hex(const std::string& text) {
    std::vector<u8> bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2) {
        u8 byte = 0;
        const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
        if (error != std::errc() || end != text.data() + i + 2)
            throw std::invalid_argument("not hexadecimal");
        bytes.push_back(byte);
    }
    return bytes;
}

// A name or a word may be of any bytes: as text where it is ASCII, else as {"hex": …}.
Json words(const std::string& text) {
    for (const char c : text)
        if (static_cast<u8>(c) >= 0x80)
            return {{"hex", to_hex({reinterpret_cast<const u8*>(text.data()), text.size()})}};
    return text;
}

std::string words(const Json& json) {
    if (json.is_string()) return json.get<std::string>();
    const std::vector<u8> bytes = from_hex(json.at("hex").get<std::string>());
    return {bytes.begin(), bytes.end()};
}

// 64 bits exactly, whoever reads the JSON.
Json word64(u64 value) {
    return fmt::format("{:#x}", value);
}

u64 word64(const Json& json) {
    const std::string text = json.get<std::string>();
    u64 value = 0;
    if (!text.starts_with("0x")) throw std::invalid_argument("not a number");
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
    return value;
}

constexpr const char* kModes[] = {"readonly", "overlay", "rw"};  // Disk::Mode

Disk::Mode mode_of(const std::string& name) {
    for (size_t i = 0; i < std::size(kModes); ++i)
        if (name == kModes[i]) return static_cast<Disk::Mode>(i);
    throw std::invalid_argument("no such mode");
}

Json machine_json(const MachineConfig& config) {
    Json json;
    json["memory"] = config.ram_size;
    json["cpus"] = config.cpus;
    json["features"] = word64(config.features.bits());
    json["seed"] = word64(config.seed);
    json["clock"] = config.clock == ClockMode::Cycles ? "cycles" : "icount";
    json["rtc"] = config.rtc_base;
    json["disks"] = Json::array();
    for (const DiskConfig& disk : config.disks) json["disks"].push_back(kModes[static_cast<u8>(disk.mode)]);
    if (config.network.present) json["network"] = to_hex(config.network.mac);
    if (config.display.present) json["display"] = {config.display.width, config.display.height};
    const TestDevices& devices = config.test_devices;
    json["pc_testdev"] = devices.pc_testdev;
    json["fw_cfg"] = devices.fw_cfg;
    json["exit_port"] = devices.exit_port;
    json["exit_ports"] = devices.exit_ports;
    return json;
}

MachineConfig machine_config(const Json& json) {
    MachineConfig config;
    config.ram_size = json.at("memory");
    config.cpus = json.at("cpus");
    const u64 features = word64(json.at("features"));
    for (u8 i = 0; i < static_cast<u8>(Feature::Count); ++i) {
        config.features.clear(static_cast<Feature>(i));
        if ((features >> i & 1) != 0) config.features.set(static_cast<Feature>(i));
    }
    config.seed = word64(json.at("seed"));
    const std::string clock = json.at("clock");
    if (clock != "cycles" && clock != "icount") throw std::invalid_argument("no such clock");
    config.clock = clock == "cycles" ? ClockMode::Cycles : ClockMode::InstructionCount;
    config.rtc_base = json.at("rtc");
    for (const Json& mode : json.at("disks")) config.disks.push_back({"", mode_of(mode)});
    config.network.present = json.contains("network");
    if (config.network.present) {
        const std::vector<u8> mac = from_hex(json.at("network"));
        if (mac.size() != config.network.mac.size()) throw std::invalid_argument("no address of a card");
        std::copy(mac.begin(), mac.end(), config.network.mac.begin());
    }
    config.display.present = json.contains("display");
    if (config.display.present) {
        config.display.width = json.at("display").at(0);
        config.display.height = json.at("display").at(1);
    }
    TestDevices& devices = config.test_devices;
    devices.pc_testdev = json.at("pc_testdev");
    devices.fw_cfg = json.at("fw_cfg");
    devices.exit_port = json.at("exit_port");
    devices.exit_ports = json.at("exit_ports");
    return config;
}

Json image_json(const RecordedImage& image) {
    return {{"role", image.role},        {"name", words(image.name)}, {"path", words(image.path)},
            {"text", words(image.text)}, {"size", image.size},        {"hash", word64(image.hash)},
            {"embedded", image.embedded}};
}

RecordedImage image_of(const Json& json) {
    RecordedImage image;
    image.role = json.at("role");
    image.name = words(json.at("name"));
    image.path = words(json.at("path"));
    image.text = words(json.at("text"));
    image.size = json.at("size");
    image.hash = word64(json.at("hash"));
    image.embedded = json.at("embedded");
    return image;
}

RecordedMachine read_header(const Json& json) {
    RecordedMachine made;
    made.version = json.at("orrery");
    made.config = machine_config(json.at("machine"));
    made.command_line = words(json.at("command_line"));
    made.arguments = words(json.at("arguments"));
    made.extra_initrd = from_hex(json.at("extra_initrd"));
    for (const Json& word : json.at("command")) made.command.push_back(words(word));
    size_t disks = 0;
    for (const Json& image : json.at("images")) {
        made.images.push_back(image_of(image));
        disks += made.images.back().is_disk() ? 1 : 0;
    }
    if (disks != made.config.disks.size() || made.find("kernel") == made.images.size())
        throw std::invalid_argument("an image is missing");
    return made;
}

}  // namespace

std::string RecordedMachine::to_json() const {
    Json json;
    json["orrery"] = version;
    json["machine"] = machine_json(config);
    json["command_line"] = words(command_line);
    json["arguments"] = words(arguments);
    json["extra_initrd"] = to_hex(extra_initrd);
    json["command"] = Json::array();
    for (const std::string& word : command) json["command"].push_back(words(word));
    json["images"] = Json::array();
    for (const RecordedImage& image : images) json["images"].push_back(image_json(image));
    return json.dump(1);
}

RecordedMachine recorded_machine(const Recording& recording) {
    try {
        return read_header(Json::parse(recording.header));
    } catch (const std::exception&) {
        throw RecordingError(recording.path + ": is damaged: its header makes no sense", true);
    }
}

}  // namespace orrery
