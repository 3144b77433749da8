#include "tests/isa/outcome_compare.h"

#include <fmt/format.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <string_view>

#include "emulator/isa/disassembler.h"
#include "emulator/isa/row.h"
#include "tests/isa/addresses.h"
#include "tests/isa/host_differences.h"

namespace orrery::testing {
namespace {

using namespace row_words;

constexpr const char* kGprNames[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string hex_bytes(const u8* bytes, std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[size - 1 - i]);
    return out;
}

std::string flag_names(u64 flags) {
    static constexpr std::pair<u64, const char*> kNames[] = {{CF, "CF"}, {PF, "PF"}, {AF, "AF"}, {ZF, "ZF"},
                                                             {SF, "SF"}, {TF, "TF"}, {IF, "IF"}, {DF, "DF"},
                                                             {OF, "OF"}, {NT, "NT"}, {AC, "AC"}, {ID, "ID"}};
    std::string out;
    for (auto [bit, name] : kNames) {
        if (flags & bit) out += (out.empty() ? "" : " ") + std::string(name);
    }
    return out.empty() ? "-" : out;
}

// Neighbours among the extended numbers, or equal.
bool within_an_ulp(const u8* a, const u8* b) {
    u64 x, y;
    u16 ex, ey;
    std::memcpy(&x, a, 8);
    std::memcpy(&y, b, 8);
    std::memcpy(&ex, a + 8, 2);
    std::memcpy(&ey, b + 8, 2);
    if (ex == ey) return x - y + 1 <= 2;
    // The significand wraps where the exponent steps.
    return (ex + 1 == ey && x == ~u64{0} && y == u64{1} << 63) ||
           (ey + 1 == ex && y == ~u64{0} && x == u64{1} << 63);
}

// Four floats, each within 2^-11 of the other; whether a result at the edge of the tiny ones becomes zero is
// left open (Vol. 2, RCPPS).
bool close_estimates(const u8* a, const u8* b) {
    for (int i = 0; i < 4; ++i) {
        float x, y;
        std::memcpy(&x, a + 4 * i, 4);
        std::memcpy(&y, b + 4 * i, 4);
        if (std::memcmp(a + 4 * i, b + 4 * i, 4) == 0) continue;
        const bool both_tiny = std::fabs(x) <= FLT_MIN && std::fabs(y) <= FLT_MIN;
        if (both_tiny && std::signbit(x) == std::signbit(y)) continue;
        if (!(std::fabs(x - y) <= std::fabs(x) / 2048)) return false;
    }
    return true;
}

// Bits of the x87 status word to compare.
u16 compared_status(const TestCase& c, const Ignored& ignored) {
    u16 mask = 0xffff;
    const FlagSet undefined = c.insn.row->flags_undefined;
    if (ignored.conditions) mask &= static_cast<u16>(~0x4700);
    if ((undefined & C0) != 0) mask &= static_cast<u16>(~0x0100);
    if ((undefined & C1) != 0 || ignored.c1) mask &= static_cast<u16>(~0x0200);
    if ((undefined & C2) != 0) mask &= static_cast<u16>(~0x0400);
    if ((undefined & C3) != 0) mask &= static_cast<u16>(~0x4000);
    if (ignored.last_ulp) mask &= static_cast<u16>(c.initial.fx.control & 0x20 ? ~0x0020 : ~0x80a0);
    if (ignored.x87_stack) mask &= static_cast<u16>(~0x3800);
    return mask;
}

// The shift count as the instruction sees it.
u64 shift_count(const TestCase& c) {
    const Insn& insn = c.insn;
    const Operand& last = insn.operands[insn.operand_count - 1];
    const u64 count = last.is_gpr() ? c.initial.gpr[1] : static_cast<u64>(insn.imm);
    return count & (insn.operands[0].size == 8 ? 63 : 31);
}

// Whether the manual leaves even the destination undefined: SHLD and SHRD by more than the operand's width.
bool undefined_result(const TestCase& c) {
    return c.insn.row->timing == Timing::ShiftDouble && shift_count(c) > 8u * c.insn.operands[0].size;
}

}  // namespace

u64 undefined_flags(const TestCase& c) {
    const Row& row = *c.insn.row;
    const FlagSet undefined = row.flags_undefined & 0xff'ffff;
    if (!row.has(Count)) return undefined;
    const u64 count = shift_count(c);
    if (count == 0) return 0;
    if (count == 1) return undefined & ~OF;
    if (undefined_result(c)) return Status;
    // Vol. 2, SAL/SAR/SHL/SHR: the bit that is shifted out last is no bit of the operand.
    const std::string_view n = row.mnemonic;
    const bool beyond = (n == "SHL" || n == "SHR") && count >= 8u * c.insn.operands[0].size;
    return undefined | (beyond ? CF : 0);
}

std::vector<std::string> compare_outcomes(const TestCase& c, const Outcome& host, const Outcome& guest) {
    std::vector<std::string> out;
    const Ignored ignored = ignored_differences(c, host, guest);
    if (ignored.everything || undefined_result(c)) return out;
    const TestState &h = host.state, &g = guest.state;
    auto differ = [&](std::string_view what, const auto& from_host, const auto& from_guest) {
        out.push_back(fmt::format("{}: host {:#x}, guest {:#x}", what, from_host, from_guest));
    };
    const bool only_order = ignored.fault_address && host.vector != kNoVector && guest.vector != kNoVector;
    if (only_order) return out;
    if (host.vector != guest.vector) {
        out.push_back(fmt::format("exception: host {}, guest {} (-1: none)", host.vector, guest.vector));
    } else if (!ignored.which_fault) {
        if (host.error_code != guest.error_code) differ("error code", host.error_code, guest.error_code);
        if (host.cr2 != guest.cr2 && !ignored.fault_address) differ("cr2", host.cr2, guest.cr2);
    }
    for (unsigned i = 0; i < 16; ++i) {
        if (h.gpr[i] != g.gpr[i]) differ(kGprNames[i], h.gpr[i], g.gpr[i]);
    }
    if (h.rip != g.rip) differ("rip", h.rip, g.rip);
    const u64 flags = Status | DF | NT | AC | ID;
    // A fault leaves all flags as they were.
    u64 compared = flags & ~(host.vector == kNoVector ? undefined_flags(c) : 0);
    if (ignored.conditions) compared &= ~u64{Status};
    if ((h.rflags ^ g.rflags) & compared) {
        out.push_back(fmt::format("flags: host {}, guest {} (compared: {})", flag_names(h.rflags & compared),
                                  flag_names(g.rflags & compared), flag_names(compared)));
    }
    const unsigned xmm_count = c.mode == CpuMode::Bits64 ? 16 : 8;
    for (unsigned i = 0; i < xmm_count; ++i) {
        if (ignored.estimate && close_estimates(h.fx.xmm[i], g.fx.xmm[i])) continue;
        if (std::memcmp(h.fx.xmm[i], g.fx.xmm[i], 16) != 0) {
            out.push_back(fmt::format("xmm{}: host {}, guest {}", i, hex_bytes(h.fx.xmm[i], 16),
                                      hex_bytes(g.fx.xmm[i], 16)));
        }
    }
    for (unsigned i = 0; i < xmm_count; ++i) {
        if (ignored.estimate && close_estimates(h.ymm[i], g.ymm[i])) continue;
        if (std::memcmp(h.ymm[i], g.ymm[i], 16) != 0) {
            out.push_back(fmt::format("ymm{} upper half: host {}, guest {}", i, hex_bytes(h.ymm[i], 16),
                                      hex_bytes(g.ymm[i], 16)));
        }
    }
    if (h.fx.mxcsr != g.fx.mxcsr) differ("mxcsr", h.fx.mxcsr, g.fx.mxcsr);
    if (h.fx.control != g.fx.control) differ("fcw", h.fx.control, g.fx.control);
    if ((h.fx.status ^ g.fx.status) & compared_status(c, ignored)) differ("fsw", h.fx.status, g.fx.status);
    if (h.fx.tags != g.fx.tags && !ignored.x87_stack) differ("ftw", h.fx.tags, g.fx.tags);
    for (unsigned i = 0; i < 8 && !ignored.x87_stack; ++i) {
        if (ignored.last_ulp && within_an_ulp(h.fx.st[i], g.fx.st[i])) continue;
        if (std::memcmp(h.fx.st[i], g.fx.st[i], 10) != 0) {
            out.push_back(fmt::format("st{}: host {}, guest {}", i, hex_bytes(h.fx.st[i], 10),
                                      hex_bytes(g.fx.st[i], 10)));
        }
    }
    if (std::memcmp(h.memory, g.memory, kMemorySize) != 0) {
        for (const Window& w : kWindows) {
            unsigned shown = 0;
            for (u64 i = 0; i < w.size && shown < 24; ++i) {
                const u8 a = h.memory[w.offset + i], b = g.memory[w.offset + i];
                if (a == b) continue;
                if (ignored.mxcsr_mask &&
                    w.base + i - linear_address(c.insn, c.initial.gpr, c.initial.rip) - 28 < 4) {
                    continue;
                }
                ++shown;
                out.push_back(fmt::format("byte at {:#x}: was {:02x}, host {:02x}, guest {:02x}", w.base + i,
                                          c.initial.memory[w.offset + i], a, b));
            }
        }
    }
    return out;
}

std::string describe(const TestCase& c, const std::vector<std::string>& differences) {
    const Insn& insn = c.insn;
    std::string bytes;
    for (unsigned i = 0; i < insn.length; ++i) bytes += fmt::format("{:02x} ", c.bytes[i]);
    const Disassembler disassembler(c.mode);
    std::string out =
        fmt::format("{} \"{}\" \"{}\", seed {}\n  {:#x}: {}  {}\n", insn.row->mnemonic,
                    insn.row->encoding_text, insn.row->operands_text, c.seed, c.initial.rip, bytes,
                    disassembler.one(std::span(c.bytes).first(insn.length), c.initial.rip).text());
    const TestState& s = c.initial;
    for (unsigned i = 0; i < (c.mode == CpuMode::Bits64 ? 16u : 8u); ++i) {
        out += fmt::format("{}{}={:#x}", i % 8 == 0 ? "\n  " : " ", kGprNames[i], s.gpr[i])
                   .substr(i == 0 ? 1 : 0);
    }
    out += fmt::format("\n  flags {}  mxcsr {:#x}  fcw {:#x} fsw {:#x} ftw {:#x}\n", flag_names(s.rflags),
                       s.fx.mxcsr, s.fx.control, s.fx.status, s.fx.tags);
    bool vector = false, x87 = false;
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        const Operand& op = insn.operands[i];
        if (op.kind == OperandKind::Xmm) {
            out += fmt::format("  xmm{} = {} {}\n", op.reg, hex_bytes(s.ymm[op.reg], 16),
                               hex_bytes(s.fx.xmm[op.reg], 16));
            vector = true;
        } else if (op.kind == OperandKind::Mmx) {
            out += fmt::format("  mm{} = {}\n", op.reg,
                               hex_bytes(s.fx.st[(op.reg - (s.fx.status >> 11)) & 7], 8));
        } else if (op.is_memory()) {
            if (insn.vsib != 0) {
                out += fmt::format("  index {} {}\n", hex_bytes(s.ymm[insn.index], 16),
                                   hex_bytes(s.fx.xmm[insn.index], 16));
                continue;
            }
            const u64 address = linear_address(insn, s.gpr, s.rip);
            TestState copy = s;
            const u8* p = copy.at(address);
            out += fmt::format("  memory at {:#x} ({} bytes): {}\n", address, op.size,
                               p && op.size <= 16 && copy.at(address + 15) ? hex_bytes(p, 16) : "…");
        }
    }
    x87 = insn.row->family == std::string_view("x87");
    if (x87 && !vector) {
        for (unsigned i = 0; i < 8; ++i) out += fmt::format("  st{} = {}\n", i, hex_bytes(s.fx.st[i], 10));
    }
    for (const std::string& d : differences) out += "  " + d + "\n";
    return out;
}

}  // namespace orrery::testing
