// Decodes a block: from bytes in guest memory to Ops that run.
#pragma once

#include <span>

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

struct BuiltBlock {
    std::unique_ptr<Block> block;
    std::unique_ptr<Op[]> ops;
};

// Decodes from `bytes` (the rest of the page that holds the block's start at `physical`). `key` as in Cpu::key; with
// kSingle, one instruction only. The result is empty where the first instruction goes on in the next page: call
// build_crossing with the bytes of both.
BuiltBlock build_block(Cpu& cpu, std::span<const u8> bytes, u64 physical, u32 key);

// One instruction out of up to 15 bytes that may come from two pages; `second_page`: physical address of the second.
BuiltBlock build_crossing(Cpu& cpu, std::span<const u8> bytes, u64 physical, u64 second_page, u32 key);

}  // namespace orrery
