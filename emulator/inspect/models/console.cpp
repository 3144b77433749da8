// Console output as lines: control sequences (ECMA-48, 5.4) are left out, backspace and carriage return take
// effect.
#include "emulator/inspect/models/console.h"

#include <nlohmann/json.hpp>

namespace orrery {
namespace {

// The byte after an escape sequence that begins at `at` (which holds ESC).
size_t after_escape(const std::string& text, size_t at) {
    if (at + 1 >= text.size()) return text.size();
    const char kind = text[at + 1];
    at += 2;
    if (kind == '[') {  // CSI: parameters, then one final byte
        while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7e)) ++at;
        return at + 1;
    }
    if (kind == ']') {  // OSC: up to BEL or ST
        while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
        return at < text.size() && text[at] == '\x1b' ? at + 2 : at + 1;
    }
    return kind == '(' || kind == ')' || kind == '#' ? at + 1 : at;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines = {""};
    size_t column = 0;
    for (size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '\x1b') {
            i = after_escape(text, i);
            continue;
        }
        ++i;
        if (c == '\n') {
            lines.emplace_back();
            column = 0;
        } else if (c == '\r') {
            column = 0;
        } else if (c == '\b') {
            if (column > 0) --column;
        } else if (c == '\t' || static_cast<unsigned char>(c) >= ' ') {
            std::string& line = lines.back();
            if (column < line.size())
                line[column] = c;
            else
                line += c;
            ++column;
        }
    }
    return lines;
}

}  // namespace

ConsoleModel console_model(const ModelContext& context, const ConsoleParameters& parameters) {
    ConsoleModel model;
    if (context.console == nullptr) {
        model.problem = "the console's output was not kept";
        return model;
    }
    model.total_bytes = context.console->size();
    model.lines = lines_of(*context.console);
    if (model.lines.size() > parameters.limit)
        model.lines.erase(model.lines.begin(), model.lines.end() - static_cast<long>(parameters.limit));
    return model;
}

std::string to_text(const ConsoleModel& model) {
    if (!model.problem.empty()) return model.problem + "\n";
    std::string text;
    for (const std::string& line : model.lines) text += line + "\n";
    return text;
}

Json to_json(const ConsoleModel& model) {
    Json json;
    json["total_bytes"] = model.total_bytes;
    json["lines"] = Json::array();
    for (const std::string& line : model.lines) {
        // JSON is UTF-8; the guest may print any bytes.
        const Json candidate = line;
        const std::string safe = candidate.dump(-1, ' ', false, Json::error_handler_t::replace);
        json["lines"].push_back(Json::parse(safe));
    }
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
