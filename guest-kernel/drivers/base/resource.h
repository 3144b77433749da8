// Who has which addresses, of memory and of I/O ports: the trees behind /proc/iomem and /proc/ioports (Linux,
// kernel/resource.c).
//
// Guarantees: a range lies within its parent, and beside its siblings. What does not fit, because it would lie half in
// another, is refused. Nothing is ever taken away.
#pragma once

#include "core/result.h"
#include "core/types.h"

enum class AddressSpace : u8 { kMemory, kPorts };

/// Enters [start, end], end included, as `name`, which must last. EBUSY when it overlaps another in part, ENOMEM.
Result<void> insert_resource(AddressSpace space, const char* name, u64 start, u64 end);

struct ResourceRow {
    const char* name;
    u64 start, end;
    unsigned depth;
};
/// The resource number `index` in the order of the files. False: there is none.
bool resource_row(AddressSpace space, unsigned index, ResourceRow* out);

/// What every PC has, and the memory map that the loader gave. At boot.
void init_resources();
