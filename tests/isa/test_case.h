// One generated instruction with the state it starts from, and what came of it on some machine: the common
// language of the generator, the host runner and the guest runner.
//
// Address space of a case, the same on both machines:
//   kCodeBase      three pages, readable and executable: the instruction, surrounded by INT3
//   kDataBase      two pages, readable and writable, unmapped pages on both sides
//   kReadOnlyBase  one page, readable
//   kStackBase     one page, readable and writable
// and nothing else from kArenaBase to kArenaEnd. Of the writable pages only the windows below ever change;
// the rest stays zero. (A case is copied often: it should be small.)
#pragma once

#include <array>
#include <cstring>

#include "emulator/isa/decoder.h"
#include "emulator/isa/row.h"

namespace orrery::testing {

constexpr u64 kCodeBase = 0x1000'0000;
constexpr u64 kCodeSize = 0x3000;
constexpr u64 kArenaBase = 0x1ff0'0000;
constexpr u64 kArenaEnd = 0x2210'0000;
constexpr u64 kDataBase = 0x2000'0000;
constexpr u64 kDataSize = 0x2000;
constexpr u64 kReadOnlyBase = 0x2100'0000;
constexpr u64 kReadOnlySize = 0x1000;
constexpr u64 kStackBase = 0x2200'0000;
constexpr u64 kStackSize = 0x1000;
constexpr u64 kGsBase = 0x1234'5670;

struct Window {
    u64 base;
    u64 size;
    unsigned offset;  // in TestState::memory
};
constexpr Window kWindows[] = {
    {kDataBase, 0x100, 0},                          // the beginning of the writable pages
    {kDataBase + 0xc00, 0x800, 0x100},              // around the border between the two
    {kDataBase + kDataSize - 0x100, 0x100, 0x900},  // their end
    {kStackBase + 0x400, 0x600, 0xa00},
};
constexpr unsigned kMainWindow = 1, kStackWindow = 3;
constexpr unsigned kMemorySize = 0x1000;

// User selectors of 64-bit Linux, which the guest runner also sets up.
constexpr u16 kUserCs64 = 0x33, kUserCs32 = 0x23, kUserDs = 0x2b;

/// The FXSAVE area (SDM Vol. 1, table 10-2), 64-bit form.
struct alignas(16) FxImage {
    u16 control = 0x37f;
    u16 status = 0;
    u8 tags = 0;  // abridged: bit i set if physical register i is not empty
    u8 reserved0 = 0;
    u16 opcode = 0;
    u64 ip = 0;
    u64 dp = 0;
    u32 mxcsr = 0x1f80;
    u32 mxcsr_mask = 0xffff;
    u8 st[8][16] = {};  // ST(i), ten bytes each
    u8 xmm[16][16] = {};
    u8 reserved1[96] = {};
};
static_assert(sizeof(FxImage) == 512);

/// What XSAVE and XRSTOR may touch with the components x87, SSE and AVX.
constexpr unsigned kXsaveAreaSize = 832;

struct TestState {
    u64 gpr[16] = {};
    u64 rip = 0;
    u64 rflags = 0x202;
    FxImage fx;
    u8 ymm[16][16] = {};          // upper halves of the YMM registers; without AVX what they were
    u8 memory[kMemorySize] = {};  // the windows

    /// The byte at an address in a window; nullptr elsewhere.
    u8* at(u64 address) {
        for (const Window& w : kWindows) {
            if (address >= w.base && address - w.base < w.size) return memory + w.offset + (address - w.base);
        }
        return nullptr;
    }
    /// Writes as many of the bytes as lie in a window.
    void poke(u64 address, const void* bytes, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            if (u8* p = at(address + i)) *p = static_cast<const u8*>(bytes)[i];
        }
    }
};

struct TestCase {
    u64 seed = 0;
    CpuMode mode = CpuMode::Bits64;
    u16 row_id = 0;
    std::array<u8, kMaxInsnLength> bytes{};
    Insn insn;
    TestState initial;  // initial.rip: where the instruction lies
};

/// Whether an INT3 after which a case stops may be the instruction itself, not what lies around it.
inline bool always_interrupts(const Row& row) {
    return row.flow == Flow::Interrupt && !row.has(row_words::Conditional);
}

constexpr int kNoVector = -1;

struct Outcome {
    TestState state;         // of an exception: as saved for its handler, so before the instruction
    int vector = kNoVector;  // of the exception it raised
    u64 error_code = 0;
    u64 cr2 = 0;  // for #PF
};

/// Contents of the read-only page, byte i.
constexpr u8 read_only_byte(u64 i) {
    return static_cast<u8>((i * 0x9d) ^ (i >> 7) ^ 0x5a);
}

}  // namespace orrery::testing
