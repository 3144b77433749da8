// Registers, decoded (Intel SDM vol. 1, 3.4; vol. 3A, 2.3-2.5 and chapter 3).
#include "emulator/inspect/models/registers.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/guestos/types/debug_info.h"
#include "emulator/inspect/models/float_registers.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

struct BitName {
    const char* name;
    u64 mask;
};

template <size_t N>
std::string bits_text(u64 value, const BitName (&names)[N]) {
    std::string text;
    for (const BitName& bit : names) {
        if ((value & bit.mask) == 0) continue;
        if (!text.empty()) text += ' ';
        text += bit.name;
    }
    return text;
}

constexpr const char* kGprNames[16] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                       "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};

std::string mode_text(const Cpu& cpu) {
    if ((cpu.cr0 & cr0::kPe) == 0) return "real";
    const Segment& cs = cpu.seg[kCs];
    if (cpu.long_mode() && cs.long_mode()) return "64-bit";
    const char* size = cs.big() ? "32-bit" : "16-bit";
    return fmt::format("{} {}", size, cpu.long_mode() ? "compatibility" : "protected");
}

std::string activity_text(const Cpu& cpu) {
    switch (cpu.activity) {
        case Activity::Halted:
            return "halted";
        case Activity::WaitForSipi:
            return "waiting for SIPI";
        case Activity::Shutdown:
            return "shut down";
        case Activity::MonitorWait:
            return "monitoring a line";
        default:
            return "running";
    }
}

std::string segment_note(const Segment& segment, bool protected_mode) {
    if (!protected_mode) return "real mode";
    if (!segment.present()) return "null";
    if (!segment.is_code_or_data()) {
        static constexpr const char* types[16] = {"?", "TSS16", "LDT", "TSS16 busy", "?", "?", "?", "?",
                                                  "?", "TSS",   "?",   "TSS busy",   "?", "?", "?", "?"};
        return types[segment.type()];
    }
    const unsigned type = segment.type();
    std::string kind;
    if (segment.is_code()) {
        kind = segment.long_mode() ? "64-bit code" : segment.big() ? "32-bit code" : "16-bit code";
        if ((type & 2) != 0) kind += ", readable";
        if ((type & 4) != 0) kind += ", conforming";
    } else {
        kind = (type & 2) != 0 ? "data, writable" : "data, read-only";
        if ((type & 4) != 0) kind += ", expand-down";
    }
    return fmt::format("{}, DPL {}", kind, segment.dpl());
}

std::vector<FlagRow> flag_rows(u32 value) {
    struct NamedBit {
        const char* name;
        unsigned bit;
        const char* on;
        const char* off;
    };
    static constexpr NamedBit flags[] = {
        {"CF", 0, "carry out of the highest bit", "no carry"},
        {"PF", 2, "parity of the low byte is even", "parity of the low byte is odd"},
        {"AF", 4, "carry out of bit 3", "no carry out of bit 3"},
        {"ZF", 6, "the result was zero", "the result was not zero"},
        {"SF", 7, "the result was negative", "the result was not negative"},
        {"TF", 8, "single-step trap after each instruction", "no single-step trap"},
        {"IF", 9, "interrupts are taken", "interrupts are held back"},
        {"DF", 10, "string instructions go down", "string instructions go up"},
        {"OF", 11, "signed overflow", "no signed overflow"},
        {"NT", 14, "nested task", "no nested task"},
        {"RF", 16, "instruction breakpoints are skipped once", "instruction breakpoints count"},
        {"AC", 18, "kernel may touch user pages (SMAP); alignment is checked in ring 3", "SMAP is in force"},
        {"ID", 21, "set", "clear"},
    };
    std::vector<FlagRow> rows;
    for (const NamedBit& flag : flags) {
        const bool set = (value >> flag.bit & 1) != 0;
        rows.push_back({flag.name, flag.bit, set, set ? flag.on : flag.off});
    }
    return rows;
}

std::string task_text(const ModelContext& context) {
    const std::optional<TaskInfo> task = running_task(*context.os, context.machine, context.cpu);
    return task ? fmt::format("{} (pid {})", task->comm, task->pid) : "";
}

std::string star_text(u64 star) {
    return fmt::format("kernel CS {:#x}, user CS {:#x}", star >> 32 & 0xffff, (star >> 48 & 0xffff) + 16);
}

void add_control(const Cpu& cpu, RegistersModel& model) {
    model.control.push_back({"CR0", cpu.cr0, 64, cr0_text(cpu.cr0)});
    model.control.push_back({"CR2", cpu.cr2, 64, "address of the last page fault"});
    model.control.push_back(
        {"CR3", cpu.cr3, 64,
         fmt::format("page tables at {:#x}{}", cpu.cr3 & pte::kAddress,
                     (cpu.cr4 & cr4::kPcide) != 0 ? fmt::format(", PCID {}", cpu.cr3 & 0xfff) : "")});
    model.control.push_back({"CR4", cpu.cr4, 64, cr4_text(cpu.cr4)});
    for (unsigned i = 0; i < 4; ++i)
        if ((cpu.dr[7] >> (2 * i) & 3) != 0)
            model.control.push_back({fmt::format("DR{}", i), cpu.dr[i], 64, "hardware breakpoint"});
    model.control.push_back({"DR7", cpu.dr[7], 64, ""});
}

void add_msrs(const ModelContext& context, const Cpu& cpu, RegistersModel& model) {
    const auto add = [&](const char* name, u64 value, std::string note) {
        model.msrs.push_back({name, value, 64, std::move(note)});
    };
    add("EFER", cpu.msr.efer, efer_text(cpu.msr.efer));
    add("STAR", cpu.msr.star, star_text(cpu.msr.star));
    add("LSTAR", cpu.msr.lstar, symbol_text(context, cpu.msr.lstar));
    add("FMASK", cpu.msr.fmask, "RFLAGS bits that SYSCALL clears");
    add("FS_BASE", cpu.seg[kFs].base, "");
    add("GS_BASE", cpu.seg[kGs].base, symbol_text(context, cpu.seg[kGs].base));
    add("KERNEL_GS_BASE", cpu.msr.kernel_gs_base, symbol_text(context, cpu.msr.kernel_gs_base));
    add("TSC_AUX", cpu.msr.tsc_aux, "");
    add("PAT", cpu.msr.pat, "");
}

}  // namespace

std::string cr0_text(u64 value) {
    static constexpr BitName names[] = {{"PE", cr0::kPe}, {"MP", cr0::kMp}, {"EM", cr0::kEm},
                                        {"TS", cr0::kTs}, {"ET", cr0::kEt}, {"NE", cr0::kNe},
                                        {"WP", cr0::kWp}, {"AM", cr0::kAm}, {"NW", cr0::kNw},
                                        {"CD", cr0::kCd}, {"PG", cr0::kPg}};
    return bits_text(value, names);
}

std::string cr4_text(u64 value) {
    static constexpr BitName names[] = {{"VME", cr4::kVme},
                                        {"PVI", cr4::kPvi},
                                        {"TSD", cr4::kTsd},
                                        {"DE", cr4::kDe},
                                        {"PSE", cr4::kPse},
                                        {"PAE", cr4::kPae},
                                        {"MCE", cr4::kMce},
                                        {"PGE", cr4::kPge},
                                        {"PCE", cr4::kPce},
                                        {"OSFXSR", cr4::kOsfxsr},
                                        {"OSXMMEXCPT", cr4::kOsxmmexcpt},
                                        {"UMIP", cr4::kUmip},
                                        {"LA57", cr4::kLa57},
                                        {"FSGSBASE", cr4::kFsgsbase},
                                        {"PCIDE", cr4::kPcide},
                                        {"OSXSAVE", cr4::kOsxsave},
                                        {"SMEP", cr4::kSmep},
                                        {"SMAP", cr4::kSmap},
                                        {"PKE", cr4::kPke}};
    return bits_text(value, names);
}

std::string efer_text(u64 value) {
    static constexpr BitName names[] = {
        {"SCE", efer::kSce}, {"LME", efer::kLme}, {"LMA", efer::kLma}, {"NXE", efer::kNxe}};
    return bits_text(value, names);
}

RegistersModel registers_model(const ModelContext& context, const RegistersParameters& parameters) {
    const Cpu& cpu = context.machine.cpu(context.cpu);
    RegistersModel model;
    model.cpu = context.cpu;
    model.instructions = context.machine.moment().instructions;
    model.ticks = context.machine.moment().ticks;
    model.ring = cpu.cpl;
    model.mode = mode_text(cpu);
    model.activity = activity_text(cpu);
    model.location = symbol_text(context, cpu.rip());
    if (context.kernel() != nullptr) {
        const SourceLocation source = context.kernel()->lines.at(cpu.rip());
        if (source.line != 0) model.source = fmt::format("{}:{}", source.file, source.line);
    }
    model.task = task_text(context);
    for (unsigned i = 0; i < 16; ++i)
        model.general.push_back({kGprNames[i], cpu.gpr[i], 64, symbol_text(context, cpu.gpr[i])});
    model.general.push_back({"RIP", cpu.rip(), 64, model.location});
    model.rflags = cpu.rflags();
    model.flags = flag_rows(cpu.rflags());
    model.iopl = cpu.rflags() >> 12 & 3;
    const bool protected_mode = (cpu.cr0 & cr0::kPe) != 0;
    const auto segment = [&](const char* name, const Segment& value) {
        model.segments.push_back(
            {name, value.selector, value.base, value.limit, segment_note(value, protected_mode)});
    };
    segment("CS", cpu.seg[kCs]);
    segment("SS", cpu.seg[kSs]);
    segment("DS", cpu.seg[kDs]);
    segment("ES", cpu.seg[kEs]);
    segment("FS", cpu.seg[kFs]);
    segment("GS", cpu.seg[kGs]);
    segment("LDTR", cpu.ldtr);
    segment("TR", cpu.tr);
    model.tables.push_back({"GDTR", cpu.gdtr.base, 64, fmt::format("limit {:#x}", cpu.gdtr.limit)});
    model.tables.push_back({"IDTR", cpu.idtr.base, 64, fmt::format("limit {:#x}", cpu.idtr.limit)});
    add_control(cpu, model);
    add_msrs(context, cpu, model);
    if (parameters.floating_point) add_float_registers(cpu, model);
    return model;
}

std::string to_text(const RegistersModel& model) {
    std::string text =
        fmt::format("CPU {}  ring {}  {}  {}  at instruction {}, tick {}\n", model.cpu, model.ring,
                    model.mode, model.activity, grouped(model.instructions), grouped(model.ticks));
    if (!model.task.empty()) text += fmt::format("task {}\n", model.task);
    if (!model.source.empty()) text += fmt::format("source {}\n", model.source);
    text += '\n';
    const auto rows = [&](const std::vector<RegisterRow>& registers) {
        for (const RegisterRow& row : registers) {
            std::string line = fmt::format("{:<15} {:#0{}x}", row.name, row.value, row.bits / 4 + 2);
            if (!row.note.empty()) line += fmt::format("  {}", row.note);
            text += line + "\n";
        }
    };
    rows(model.general);
    text += fmt::format("RFLAGS          {:#010x}          ", model.rflags);
    for (const FlagRow& flag : model.flags)
        if (flag.set) text += fmt::format(" {}", flag.name);
    text += fmt::format(" IOPL={}\n\n", model.iopl);
    for (const SegmentRow& row : model.segments)
        text += fmt::format("{:<5} {:#06x}  base {:#018x}  limit {:#010x}  {}\n", row.name, row.selector,
                            row.base, row.limit, row.note);
    rows(model.tables);
    text += '\n';
    rows(model.control);
    text += '\n';
    rows(model.msrs);
    if (!model.vectors.empty()) {
        text += '\n';
        rows(model.float_control);
        for (const auto* wide : {&model.x87, &model.vectors})
            for (const WideRegisterRow& row : *wide)
                text += fmt::format("{:<6} {:<34}  {}\n", row.name, row.value, row.note);
    }
    return text;
}

Json to_json(const RegistersModel& model) {
    Json json;
    json["cpu"] = model.cpu;
    json["instructions"] = model.instructions;
    json["ticks"] = model.ticks;
    json["ring"] = model.ring;
    json["mode"] = model.mode;
    json["activity"] = model.activity;
    json["location"] = model.location;
    json["source"] = model.source;
    json["task"] = model.task;
    const auto rows = [](const std::vector<RegisterRow>& registers) {
        Json object = Json::object();
        for (const RegisterRow& row : registers)
            object[row.name] = {{"value", hex64(row.value)}, {"note", row.note}};
        return object;
    };
    json["general"] = rows(model.general);
    json["rflags"] = {{"value", hex64(model.rflags)}, {"iopl", model.iopl}};
    for (const FlagRow& flag : model.flags) json["rflags"]["flags"][flag.name] = flag.set;
    for (const SegmentRow& row : model.segments)
        json["segments"][row.name] = {
            {"selector", row.selector}, {"base", hex64(row.base)}, {"limit", row.limit}, {"note", row.note}};
    json["tables"] = rows(model.tables);
    json["control"] = rows(model.control);
    json["msrs"] = rows(model.msrs);
    if (!model.vectors.empty()) {
        json["float_control"] = rows(model.float_control);
        for (const WideRegisterRow& row : model.x87)
            json["x87"][row.name] = {{"value", row.value}, {"note", row.note}};
        for (const WideRegisterRow& row : model.vectors)
            json["vectors"][row.name] = {{"value", row.value}, {"note", row.note}};
    }
    return json;
}

}  // namespace orrery
