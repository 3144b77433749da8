// The header of a recording as JSON, there and back.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "emulator/isa/number.h"
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
    if (const std::optional<u64> value = parse_number(json.get<std::string>())) return *value;
    throw std::invalid_argument("not a number");
}

// Each field as its words; files are among the images.
Json machine_json(const MachineConfig& config) {
    Json json;
    for (const DescribedField& described_field : described(config)) {
        const ConfigField& field = described_field.field;
        if (!field.several)
            json[field.name] = words(described_field.words.at(0));
        else
            json[field.name] = Json::array();
        for (size_t i = 0; field.several && i < described_field.words.size(); ++i)
            json[field.name].push_back(words(described_field.words[i]));
    }
    return json;
}

MachineConfig machine_config(const Json& json) {
    MachineConfig config;
    config.visit([&](const ConfigField& field, const ConfigWords& value) {
        const Json& there = json.at(field.name);
        if (!field.several) return value.set(words(there));
        for (const Json& word : there) value.set(words(word));
    });
    return config.without_files();
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
