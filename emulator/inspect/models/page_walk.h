// The window "Page walk": how one linear address becomes a physical one, entry by entry, and why (not).
// Intel SDM vol. 3A, 4.5-4.7. The walk is core/mmu/walker.h's, in peek mode.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct AddressPart {
    std::string name;   // "PML4 index", "offset"
    unsigned high = 0;  // bits high..low of the address
    unsigned low = 0;
    u64 value = 0;
};

struct PageWalkRow {
    unsigned level = 0;
    std::string table;      // "PML4", "PDPT", "PD", "PT"
    unsigned index = 0;     // in the table
    u64 entry_address = 0;  // physical
    u64 entry = 0;
    u64 points_to = 0;    // physical address in the entry
    std::string flags;    // "P RW US A D NX…": set bits by their names
    std::string meaning;  // "points to a page directory", "maps a 2 MiB page", "not present"
};

// What one kind of access would do here.
struct AccessVerdict {
    std::string access;  // "user read", "user write", "user fetch", "kernel read", …
    bool allowed = false;
    u32 error_code = 0;
    std::string reason;  // "the PT entry has RW clear"
};

struct PageWalkModel {
    u64 address = 0;
    std::string symbol;
    u64 cr3 = 0;
    unsigned levels = 0;  // 0: paging is off, the address is physical
    bool canonical = true;
    std::vector<AddressPart> parts;
    std::vector<PageWalkRow> rows;
    bool mapped = false;
    u64 physical = 0;
    u64 page_size = 0;    // bytes
    std::string in_tlb;   // "L1 data 4K, set 3 way 1", several joined by "; ", or empty
    std::string verdict;  // one sentence
    std::vector<AccessVerdict> accesses;
};

struct PageWalkParameters {
    u64 address = 0;
    std::optional<u64> cr3;  // of another address space; default: the CPU's
};

PageWalkModel page_walk_model(const ModelContext& context, const PageWalkParameters& parameters);
std::string to_text(const PageWalkModel& model);
Json to_json(const PageWalkModel& model);

// "P RW US A D G NX" of an entry.
std::string page_entry_flags(u64 entry, unsigned level);
// "P W U R I" of a page fault's error code, in words: "not present, write, user".
std::string page_fault_text(u32 error_code);

}  // namespace orrery
