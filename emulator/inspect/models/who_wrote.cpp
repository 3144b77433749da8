// The last writer of a byte in words.
#include "emulator/inspect/models/who_wrote.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/guestos/syscalls/syscall_decode.h"

namespace orrery {
namespace {

std::string kind_name(Writer::Kind kind) {
    switch (kind) {
        case Writer::Kind::Instruction:
            return "instruction";
        case Writer::Kind::PageWalk:
            return "page walk";
        case Writer::Kind::Device:
            return "device";
        default:
            return "before";
    }
}

std::string call_text(const Writer& writer) {
    if (!writer.in_call_known) return "";
    return writer.system_call ? syscall_name(*writer.system_call) : "none";
}

}  // namespace

WhoWroteModel who_wrote_model(const ModelContext& context, const WhoWroteParameters& parameters) {
    WhoWroteModel model;
    model.linear = parameters.linear;
    if (context.past == nullptr) {
        model.problem = "this machine's past is not kept";
        return model;
    }
    try {
        model.writer = who_wrote_linear(*context.past, *context.os, context.cpu, parameters.linear);
    } catch (const QueryError& error) {
        model.problem = error.what();
    } catch (const TimeError& error) {
        model.problem = error.what();
    }
    return model;
}

std::string to_text(const WhoWroteModel& model) {
    if (!model.problem.empty()) return model.problem + "\n";
    const Writer& writer = model.writer;
    std::string text =
        fmt::format("the byte at {} (physical {})\n", hex64(model.linear), hex(writer.physical));
    if (writer.kind == Writer::Kind::Before) return text + "has not been written since the run began\n";
    const Event& access = writer.access;
    const event::DataAccess& data = *access.get<event::DataAccess>();
    text += fmt::format("was written at instruction {}, tick {}, on CPU {} in ring {}\n",
                        grouped(access.moment.instructions), grouped(access.moment.ticks), access.cpu,
                        access.cpl);
    if (writer.kind == Writer::Kind::Device) text += "  by a device or an input, at RIP ";
    if (writer.kind == Writer::Kind::PageWalk) text += "  by a page walk (accessed or dirty bit), for ";
    if (writer.kind == Writer::Kind::Instruction) text += "  by ";
    text += hex64(access.rip);
    if (!writer.symbol.empty()) text += "  " + writer.symbol;
    if (!writer.instruction.empty()) text += "  " + writer.instruction;
    text += fmt::format("\n  {} of {} at physical {}\n",
                        data.size > 8 ? "first bytes " + hex(data.data) : hex(data.data),
                        size_text(data.size), hex(data.physical));
    if (writer.pid) text += fmt::format("  task {} ({})\n", *writer.pid, writer.comm);
    // Without tasks an address space stands for one, which a kernel thread may have borrowed.
    if (writer.in_call_known && writer.system_call)
        text +=
            fmt::format("  {}in the system call {}\n",
                        writer.pid ? "" : "while the program of this address space was ", call_text(writer));
    return text;
}

Json to_json(const WhoWroteModel& model) {
    if (!model.problem.empty()) return {{"problem", model.problem}};
    const Writer& writer = model.writer;
    Json json = {{"linear", hex64(model.linear)},
                 {"physical", hex64(writer.physical)},
                 {"by", kind_name(writer.kind)}};
    if (writer.kind == Writer::Kind::Before) return json;
    const Event& access = writer.access;
    json["instructions"] = access.moment.instructions;
    json["ticks"] = access.moment.ticks;
    json["cpu"] = access.cpu;
    json["ring"] = access.cpl;
    json["rip"] = hex64(access.rip);
    json["symbol"] = writer.symbol;
    json["instruction"] = writer.instruction;
    json["size"] = access.get<event::DataAccess>()->size;
    json["data"] = hex64(access.get<event::DataAccess>()->data);
    json["pid"] = writer.pid ? Json(*writer.pid) : Json(nullptr);
    json["comm"] = writer.comm;
    json["system_call"] = writer.in_call_known ? Json(call_text(writer)) : Json(nullptr);
    return json;
}

}  // namespace orrery
