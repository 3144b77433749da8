// The window "Address space": what a process has mapped, area by area, and which page frames are behind it.
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct AddressSpaceRow {
    u64 start = 0;
    u64 end = 0;
    std::string permissions;  // "rw-p", as in /proc/PID/maps
    u64 offset = 0;           // in the file, bytes
    std::string name;         // path, "[heap]", "[stack]", or empty
    u64 mapped_pages = 0;     // 4 KiB pages present in the page tables
    u64 writable_pages = 0;
    u64 shared_frames = 0;  // their frames are also mapped by another process
    u64 cow_pages = 0;      // area is writable and private, entry is read-only: a write copies
    u64 dirty_pages = 0;
    u64 accessed_pages = 0;
};

// A run of consecutive pages with equal attributes.
struct MappedRun {
    u64 linear = 0;
    u64 physical = 0;
    u64 pages = 0;  // of page_size
    u64 page_size = 4096;
    std::string flags;     // "RW US A D NX"
    unsigned mappers = 1;  // address spaces that map its first frame
};

struct AddressSpaceModel {
    int pid = 0;
    std::string comm;
    u64 cr3 = 0;
    std::vector<AddressSpaceRow> rows;
    std::vector<MappedRun> runs;  // only with `pages`
    u64 total_bytes = 0;
    u64 resident_pages = 0;
    u64 page_table_pages = 0;
    std::string problem;  // why there is nothing to show ("no task has pid 77")
};

struct AddressSpaceParameters {
    int pid = 1;
    bool pages = false;
};

AddressSpaceModel address_space_model(const ModelContext& context, const AddressSpaceParameters& parameters);
std::string to_text(const AddressSpaceModel& model);
Json to_json(const AddressSpaceModel& model);

}  // namespace orrery
