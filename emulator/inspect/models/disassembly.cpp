// Instructions around an address, by Capstone, with the kernel's symbols and source lines.
#include "emulator/inspect/models/disassembly.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/isa/disassembler.h"
#include "emulator/isa/effects.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

constexpr u64 kMaxFunction = 16384;  // how far back decoding begins at most

// Lines of source files, each read once.
class SourceText {
  public:
    explicit SourceText(std::string root) : root_(std::move(root)) {}
    std::string line(const std::string& file, unsigned number) {
        if (root_.empty()) return "";
        auto [at, added] = files_.try_emplace(file);
        if (added) {
            std::ifstream stream(file.front() == '/' ? file : root_ + "/" + file);
            std::string text;
            while (std::getline(stream, text)) at->second.push_back(text);
        }
        if (number == 0 || number > at->second.size()) return "";
        const std::string& text = at->second[number - 1];
        const size_t first = text.find_first_not_of(" \t");
        return first == std::string::npos ? "" : text.substr(first);
    }

  private:
    std::string root_;
    std::map<std::string, std::vector<std::string>> files_;
};

class Builder {
  public:
    Builder(const ModelContext& context, const DisassemblyParameters& parameters)
        : context_(context),
          cpu_(context.machine.cpu(context.cpu)),
          disassembler_(cpu_.code_mode(), parameters.att_syntax ? Syntax::Att : Syntax::Intel),
          cr3_(parameters.cr3),
          text_(context.source_root) {}

    DisassemblyRow row(u64 address) {
        DisassemblyRow row;
        row.address = address;
        row.current = address == cpu_.rip() && (!cr3_ || ((*cr3_ ^ cpu_.cr3) & pte::kAddress) == 0);
        u8 bytes[kMaxInsnLength];
        const size_t got = context_.machine.peek(context_.cpu, address, bytes, sizeof bytes, cr3_);
        if (got == 0) {
            row.text = "(not mapped)";
            return row;
        }
        const DisassembledInsn insn = disassembler_.one({bytes, got}, address);
        const size_t length = std::max<size_t>(insn.length, 1);
        row.bytes.assign(bytes, bytes + length);
        row.text = insn.text();
        annotate({bytes, got}, row);
        return row;
    }

    void add_source(DisassemblyRow& row) {
        if (context_.kernel() == nullptr) return;
        if (const Symbol* symbol = context_.kernel()->symbols.at(row.address))
            if (symbol->address == row.address) row.label = symbol->name;
        const SourceLocation location = context_.kernel()->lines.at(row.address);
        if (location.line == 0 || location == last_) return;
        last_ = location;
        row.source = fmt::format("{}:{}", location.file, location.line);
        row.source_text = text_.line(location.file, location.line);
    }

  private:
    void annotate(std::span<const u8> bytes, DisassemblyRow& row) const {
        Insn insn;
        if (decode(bytes, cpu_.code_mode(), cpu_.features, insn) != DecodeStatus::Ok) return;
        row.is_return = is_return(insn.row->flow);
        row.is_call = insn.row->flow == Flow::Call;
        if (is_relative(insn)) {
            row.target = relative_target(insn, row.address);
            row.annotation = symbol_text(context_, row.target);
        } else if (insn.has_memory() && insn.base == kRipRegister) {
            const u64 operand = row.address + insn.length + static_cast<u64>(insn.disp);
            const std::string symbol = symbol_text(context_, operand);
            row.annotation = symbol.empty() ? hex(operand) : symbol;
        }
    }

    const ModelContext& context_;
    const Cpu& cpu_;
    Disassembler disassembler_;
    std::optional<u64> cr3_;
    SourceText text_;
    SourceLocation last_;
};

// Addresses of the instructions before `address`, by decoding from the symbol's beginning.
std::vector<u64> addresses_before(const ModelContext& context, Builder& builder, u64 address,
                                  unsigned count) {
    if (context.kernel() == nullptr || count == 0) return {};
    const Symbol* symbol = context.kernel()->symbols.at(address);
    if (symbol == nullptr || address - symbol->address > kMaxFunction) return {};
    std::vector<u64> addresses;
    for (u64 at = symbol->address; at < address;) {
        addresses.push_back(at);
        at += std::max<size_t>(builder.row(at).bytes.size(), 1);
        if (at > address) return {};  // `address` is not at an instruction's beginning
    }
    if (addresses.size() > count) addresses.erase(addresses.begin(), addresses.end() - count);
    return addresses;
}

}  // namespace

DisassemblyModel disassembly_model(const ModelContext& context, const DisassemblyParameters& parameters) {
    DisassemblyModel model;
    const Cpu& cpu = context.machine.cpu(context.cpu);
    model.address = parameters.address.value_or(cpu.rip());
    model.where = symbol_text(context, model.address);
    Builder builder(context, parameters);
    for (const u64 address : addresses_before(context, builder, model.address, parameters.before)) {
        model.rows.push_back(builder.row(address));
        builder.add_source(model.rows.back());
    }
    u64 address = model.address;
    for (unsigned i = 0; i < parameters.after; ++i) {
        model.rows.push_back(builder.row(address));
        DisassemblyRow& row = model.rows.back();
        builder.add_source(row);
        if (row.bytes.empty()) break;
        address += row.bytes.size();
    }
    return model;
}

std::string to_text(const DisassemblyModel& model) {
    std::string text;
    for (const DisassemblyRow& row : model.rows) {
        if (!row.label.empty()) text += fmt::format("\n{}:\n", row.label);
        if (!row.source.empty()) text += fmt::format("; {}  {}", row.source, row.source_text);
        if (!row.source.empty()) {
            text.erase(text.find_last_not_of(' ') + 1);
            text += '\n';
        }
        std::string bytes;
        for (const u8 byte : row.bytes) bytes += fmt::format("{:02x} ", byte);
        std::string line =
            fmt::format("{} {}  {:<31}{}", row.current ? "=>" : "  ", hex64(row.address), bytes, row.text);
        if (!row.annotation.empty()) line += fmt::format("  <{}>", row.annotation);
        text += line + "\n";
    }
    return text;
}

Json to_json(const DisassemblyModel& model) {
    Json json;
    json["address"] = hex64(model.address);
    json["where"] = model.where;
    json["instructions"] = Json::array();
    for (const DisassemblyRow& row : model.rows) {
        std::string bytes;
        for (const u8 byte : row.bytes) bytes += fmt::format("{:02x}", byte);
        Json entry = {{"address", hex64(row.address)}, {"bytes", bytes}, {"text", row.text}};
        if (!row.annotation.empty()) entry["annotation"] = row.annotation;
        if (!row.label.empty()) entry["label"] = row.label;
        if (!row.source.empty()) entry["source"] = row.source;
        if (!row.source_text.empty()) entry["source_text"] = row.source_text;
        if (row.current) entry["current"] = true;
        json["instructions"].push_back(std::move(entry));
    }
    return json;
}

}  // namespace orrery
