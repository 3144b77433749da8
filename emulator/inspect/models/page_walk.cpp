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

struct Geometry {
    unsigned levels;
    unsigned index_bits;
    unsigned shift(unsigned level) const { return 12 + index_bits * (level - 1); }
    unsigned width(unsigned level) const { return levels == 3 && level == 3 ? 2 : index_bits; }
    u64 index(u64 address, unsigned level) const {
        return address >> shift(level) & ((u64{1} << width(level)) - 1);
    }
};

bool is_leaf(const Geometry& geometry, unsigned level, u64 entry) {
    if (level == 1) return true;
    const bool may_be_large = level == 2 || (level == 3 && geometry.levels >= 4);
    return may_be_large && (entry & pte::kPageSize) != 0;
}

void add_parts(const Geometry& geometry, u64 address, u64 page_size, PageWalkModel& model) {
    unsigned lowest = 1;
    while (page_size > u64{1} << geometry.shift(lowest) && lowest < geometry.levels) ++lowest;
    if (geometry.levels >= 4) {
        const unsigned top = geometry.shift(geometry.levels) + 9;
        model.parts.push_back({"sign extension", 63, top, address >> top});
    }
    for (unsigned level = geometry.levels; level >= lowest; --level) {
        const unsigned low = geometry.shift(level);
        model.parts.push_back({fmt::format("{} index", table_name(level)), low + geometry.width(level) - 1,
                               low, geometry.index(address, level)});
    }
    const unsigned offset_bits = geometry.shift(lowest);
    model.parts.push_back({"offset", offset_bits - 1, 0, address & ((u64{1} << offset_bits) - 1)});
}

// Which entry, or which control bit, forbids the access.
std::string denial(const WalkResult& result, AccessKind access, bool user, const PagingContext& context) {
    const WalkStep& last = result.steps[result.step_count - 1];
    if ((result.error_code & pf::kPresent) == 0)
        return fmt::format("the {} entry is not present (P is clear)", table_name(last.level));
    if ((result.error_code & pf::kReserved) != 0)
        return fmt::format("the {} entry has a reserved bit set", table_name(last.level));
    bool user_page = true;
    for (unsigned i = 0; i < result.step_count; ++i) {
        const WalkStep& step = result.steps[i];
        const bool carries_rights = !(context.levels() == 3 && step.level == 3);
        if (!carries_rights) continue;
        user_page = user_page && (step.entry & pte::kUser) != 0;
        if (user && (step.entry & pte::kUser) == 0)
            return fmt::format("the {} entry has US clear: the page is the kernel's", table_name(step.level));
        if (access == AccessKind::Fetch && (step.entry & pte::kNoExecute) != 0)
            return fmt::format("the {} entry has NX set", table_name(step.level));
        if (access == AccessKind::Write && (step.entry & pte::kWritable) == 0 &&
            (user || (context.cr0 & cr0::kWp) != 0))
            return fmt::format("the {} entry has RW clear{}", table_name(step.level),
                               user ? "" : ", and CR0.WP holds the kernel to it");
    }
    if (user_page && access == AccessKind::Fetch) return "CR4.SMEP: the kernel may not execute a user page";
    if (user_page) return "CR4.SMAP: the kernel may touch a user page only with RFLAGS.AC set";
    return "not allowed";
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
                verdict.reason = denial(result, kind.kind, user, context);
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
    return fmt::format("{}, {}, {}", result.user ? "user" : "kernel only",
                       result.writable ? "writable" : "read-only",
                       result.executable ? "executable" : "not executable");
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
    const Geometry geometry{model.levels, model.levels == 2 ? 10u : 9u};
    if (model.levels >= 4) {
        const unsigned top = geometry.shift(model.levels) + 8;
        const i64 extended = static_cast<i64>(parameters.address << (63 - top)) >> (63 - top);
        model.canonical = static_cast<u64>(extended) == parameters.address;
    }
    if (!model.canonical) {
        add_parts(geometry, parameters.address, 4096, model);
        model.verdict = fmt::format(
            "not canonical: bits 63 to {} are not all equal, so any access is a #GP, and no walk is made",
            geometry.shift(model.levels) + 8);
        return model;
    }
    const WalkResult result =
        walk(machine.bus(), paging, parameters.address, AccessKind::Read, false, true, WalkMode::Peek);
    for (unsigned i = 0; i < result.step_count; ++i) {
        const WalkStep& step = result.steps[i];
        PageWalkRow row;
        row.level = step.level;
        row.table = table_name(step.level);
        row.index = static_cast<unsigned>(geometry.index(parameters.address, step.level));
        row.entry_address = step.entry_address;
        row.entry = step.entry;
        row.flags = page_entry_flags(step.entry, step.level);
        const bool present = (step.entry & pte::kPresent) != 0;
        const bool leaf = present && is_leaf(geometry, step.level, step.entry);
        const u64 size = u64{1} << geometry.shift(step.level);
        if (present) row.points_to = step.entry & pte::kAddress & ~(leaf ? size - 1 : u64{0});
        row.meaning = !present ? "not present"
                      : leaf   ? fmt::format("{} page at {:#x}", size_text(size), row.points_to)
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
        model.verdict = fmt::format("not mapped: {}", denial(result, AccessKind::Read, false, paging));
    }
    add_parts(geometry, parameters.address, result.ok ? model.page_size : 4096, model);
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
