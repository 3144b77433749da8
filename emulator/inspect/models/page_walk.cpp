// One address through the page tables, in words (Intel SDM vol. 3A, 4.5-4.7).
#include "emulator/inspect/models/page_walk.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/machine/machine.h"

namespace orrery {
namespace {

const char* table_name(unsigned level) {
    static constexpr const char* names[] = {"?", "PT", "PD", "PDPT", "PML4", "PML5"};
    return names[level <= 5 ? level : 0];
}

const char* next_table(unsigned level) {
    static constexpr const char* names[] = {
        "?", "?", "page table", "page directory", "page-directory-pointer table", "PML4 table"};
    return names[level <= 5 ? level : 0];
}

void add_parts(unsigned levels, u64 address, u64 page_size, PageWalkModel& model) {
    unsigned lowest = 1;
    while (page_size > u64{1} << table_index(levels, lowest).shift && lowest < levels) ++lowest;
    if (levels >= 4) {
        const unsigned top = linear_width(levels);
        model.parts.push_back({"sign extension", 63, top, address >> top});
    }
    for (unsigned level = levels; level >= lowest; --level) {
        const TableIndex index = table_index(levels, level);
        model.parts.push_back({fmt::format("{} index", table_name(level)), index.shift + index.width - 1,
                               index.shift, index.of(address)});
    }
    const unsigned offset_bits = table_index(levels, lowest).shift;
    model.parts.push_back({"offset", offset_bits - 1, 0, address & ((u64{1} << offset_bits) - 1)});
}

// The walker's reason, in words.
std::string reason(const WhyNot& why) {
    const char* table = table_name(why.level);
    switch (why.rule) {
        case Refusal::None:
            return "";
        case Refusal::NotCanonical:
            return "the address is not canonical";
        case Refusal::NotPresent:
            return fmt::format("the {} entry is not present (P is clear)", table);
        case Refusal::ReservedBit:
            return fmt::format("the {} entry has a reserved bit set ({:#x})", table, why.bits);
        case Refusal::KeyAccess:
            return fmt::format("PKRU forbids protection key {}: AD is set", why.key);
        case Refusal::KeyWrite:
            return fmt::format("PKRU forbids writes by protection key {}: WD is set{}", why.key,
                               why.user ? "" : ", and CR0.WP holds the kernel to it");
        case Refusal::Supervisor:
            return fmt::format("the {} entry has US clear: the page is the kernel's", table);
        case Refusal::ReadOnly:
            return fmt::format("the {} entry has RW clear{}", table,
                               why.user ? "" : ", and CR0.WP holds the kernel to it");
        case Refusal::NoExecute:
            return fmt::format("the {} entry has NX set", table);
        case Refusal::Smep:
            return "CR4.SMEP: the kernel may not execute a user page";
        case Refusal::Smap:
            return "CR4.SMAP: the kernel may touch a user page only with RFLAGS.AC set";
    }
    return "";
}

void add_accesses(Bus& bus, const PagingContext& context, u64 address, PageWalkModel& model) {
    static constexpr struct {
        const char* name;
        AccessKind kind;
    } kinds[] = {{"read", AccessKind::Read}, {"write", AccessKind::Write}, {"fetch", AccessKind::Fetch}};
    for (const bool user : {true, false}) {
        for (const auto& kind : kinds) {
            const WalkResult result = walk(bus, context, address, kind.kind, user, false, WalkMode::Peek);
            AccessVerdict verdict;
            verdict.access = fmt::format("{} {}", user ? "user" : "kernel", kind.name);
            verdict.allowed = result.ok;
            if (!result.ok) {
                verdict.error_code = result.error_code;
                verdict.reason = reason(result.why_not);
            }
            model.accesses.push_back(std::move(verdict));
        }
    }
}

std::string tlb_text(const Cpu& cpu, u64 address) {
    std::string text;
    for (unsigned i = 0; i < Tlb::kArrays; ++i) {
        const TlbArray& array = cpu.tlb.array(i);
        for (size_t at = 0; at < array.entries().size(); ++at) {
            const TlbEntry& entry = array.entries()[at];
            if (!entry.valid() || entry.page != address >> entry.page_shift) continue;
            if (!entry.global && entry.pcid != cpu.pcid()) continue;
            text += fmt::format("{}{}, set {} way {}", text.empty() ? "" : "; ", Tlb::array_name(i),
                                at / array.ways(), at % array.ways());
        }
    }
    return text;
}

std::string rights_text(const WalkResult& result) {
    return fmt::format("{}, {}, {}", result.rights.user ? "user" : "kernel only",
                       result.rights.writable ? "writable" : "read-only",
                       result.rights.executable ? "executable" : "not executable");
}

}  // namespace

std::string page_entry_flags(u64 entry, unsigned level) {
    struct Bit {
        const char* name;
        u64 mask;
    };
    const Bit bits[] = {{"P", pte::kPresent},        {"RW", pte::kWritable},
                        {"US", pte::kUser},          {"PWT", pte::kWriteThrough},
                        {"PCD", pte::kCacheDisable}, {"A", pte::kAccessed},
                        {"D", pte::kDirty},          {level == 1 ? "PAT" : "PS", pte::kPageSize},
                        {"G", pte::kGlobal},         {"NX", pte::kNoExecute}};
    std::string text;
    for (const Bit& bit : bits) {
        if ((entry & bit.mask) == 0) continue;
        if (!text.empty()) text += ' ';
        text += bit.name;
    }
    return text;
}

std::string page_fault_text(u32 code) {
    std::string text = (code & pf::kPresent) != 0 ? "protection" : "not present";
    text += (code & pf::kFetch) != 0 ? ", fetch" : (code & pf::kWrite) != 0 ? ", write" : ", read";
    text += (code & pf::kUser) != 0 ? ", user" : ", kernel";
    if ((code & pf::kReserved) != 0) text += ", reserved bit";
    if ((code & pf::kProtectionKey) != 0) text += ", protection key";
    return text;
}

PageWalkModel page_walk_model(const ModelContext& context, const PageWalkParameters& parameters) {
    Machine& machine = context.machine;
    const Cpu& cpu = machine.cpu(context.cpu);
    PagingContext paging = cpu.paging();
    if (parameters.cr3) paging.cr3 = *parameters.cr3;
    PageWalkModel model;
    model.address = parameters.address;
    model.symbol = symbol_text(context, parameters.address);
    model.cr3 = paging.cr3;
    model.levels = paging.levels();
    if (model.levels == 0) {
        model.mapped = true;
        model.physical = parameters.address & 0xffff'ffff;
        model.verdict = "paging is off (CR0.PG is clear): the address is physical";
        return model;
    }
    const WalkResult result = machine.translate(context.cpu, parameters.address, parameters.cr3);
    model.canonical = result.why_not.rule != Refusal::NotCanonical;
    if (!model.canonical) {
        add_parts(model.levels, parameters.address, 4096, model);
        model.verdict = model.levels < 4
                            ? std::string("not an address: more than 32 bits, and no 64-bit mode")
                            : fmt::format(
                                  "not canonical: bits 63 to {} are not all equal, so any access is "
                                  "a #GP, and no walk is made",
                                  linear_width(model.levels) - 1);
        return model;
    }
    for (unsigned i = 0; i < result.step_count; ++i) {
        const WalkStep& step = result.steps[i];
        PageWalkRow row;
        row.level = step.level;
        row.table = table_name(step.level);
        row.index = static_cast<unsigned>(table_index(model.levels, step.level).of(parameters.address));
        row.entry_address = step.entry_address;
        row.entry = step.entry;
        row.flags = page_entry_flags(step.entry, step.level);
        const bool present = (step.entry & pte::kPresent) != 0;
        row.points_to = step.points_to;
        row.meaning =
            !present ? "not present"
            : step.leaf
                ? fmt::format("{} page at {:#x}",
                              size_text(u64{1} << table_index(model.levels, step.level).shift), row.points_to)
                : fmt::format("{} at {:#x}", next_table(step.level), row.points_to);
        model.rows.push_back(std::move(row));
    }
    model.mapped = result.ok;
    model.in_tlb = parameters.cr3 ? "" : tlb_text(cpu, parameters.address);
    if (result.ok) {
        model.physical = result.physical;
        model.page_size = u64{1} << result.page_shift;
        model.verdict =
            fmt::format("maps to physical {:#x}, in a {} page ({}{})", result.physical,
                        size_text(model.page_size), rights_text(result), result.global ? ", global" : "");
    } else {
        model.verdict = fmt::format("not mapped: {}", reason(result.why_not));
    }
    add_parts(model.levels, parameters.address, result.ok ? model.page_size : 4096, model);
    add_accesses(machine.bus(), paging, parameters.address, model);
    return model;
}

std::string to_text(const PageWalkModel& model) {
    std::string text = fmt::format("page walk of {}", hex64(model.address));
    if (!model.symbol.empty()) text += fmt::format("  {}", model.symbol);
    text += '\n';
    for (const AddressPart& part : model.parts)
        text += fmt::format("  bits {:>2}-{:<2}  {:<15} {:>6}  {:#x}\n", part.high, part.low, part.name,
                            part.value, part.value);
    if (!model.rows.empty()) text += fmt::format("\nCR3 {}\n", hex64(model.cr3));
    for (const PageWalkRow& row : model.rows)
        text += fmt::format("  {:<4} [{:>3}] at {:#012x}: {}  {:<18} {}\n", row.table, row.index,
                            row.entry_address, hex64(row.entry), row.flags, row.meaning);
    text += fmt::format("\n{}\n", model.verdict);
    if (!model.in_tlb.empty()) text += fmt::format("in the TLB: {}\n", model.in_tlb);
    if (!model.accesses.empty()) text += '\n';
    for (const AccessVerdict& access : model.accesses) {
        text += fmt::format("  {:<12} {}", access.access, access.allowed ? "allowed" : "fault");
        if (!access.allowed)
            text += fmt::format("    {} (error code {:#x}: {})", access.reason, access.error_code,
                                page_fault_text(access.error_code));
        text += '\n';
    }
    return text;
}

Json to_json(const PageWalkModel& model) {
    Json json;
    json["address"] = hex64(model.address);
    json["symbol"] = model.symbol;
    json["cr3"] = hex64(model.cr3);
    json["levels"] = model.levels;
    json["canonical"] = model.canonical;
    json["parts"] = Json::array();
    for (const AddressPart& part : model.parts)
        json["parts"].push_back(
            {{"name", part.name}, {"high", part.high}, {"low", part.low}, {"value", part.value}});
    json["entries"] = Json::array();
    for (const PageWalkRow& row : model.rows)
        json["entries"].push_back({{"table", row.table},
                                   {"index", row.index},
                                   {"entry_address", hex64(row.entry_address)},
                                   {"entry", hex64(row.entry)},
                                   {"flags", row.flags},
                                   {"meaning", row.meaning}});
    json["mapped"] = model.mapped;
    json["physical"] = hex64(model.physical);
    json["page_size"] = model.page_size;
    json["tlb"] = model.in_tlb;
    json["verdict"] = model.verdict;
    json["accesses"] = Json::array();
    for (const AccessVerdict& access : model.accesses)
        json["accesses"].push_back({{"access", access.access},
                                    {"allowed", access.allowed},
                                    {"error_code", access.error_code},
                                    {"reason", access.reason}});
    return json;
}

}  // namespace orrery
