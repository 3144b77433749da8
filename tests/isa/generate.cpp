#include "tests/isa/generate.h"

#include <algorithm>
#include <string_view>

#include "emulator/isa/effects.h"
#include "tests/isa/addresses.h"
#include "tests/isa/random_values.h"

namespace orrery::testing {
namespace {

using namespace row_words;

class Generator {
  public:
    Generator(const Row& row, u64 seed, CpuMode mode, const CpuFeatures& features)
        : row_(row),
          mode_(mode),
          in64_(mode == CpuMode::Bits64),
          features_(features),
          rng_(seed ^ (u64{row.id} << 48) ^ (u64{static_cast<u8>(mode)} << 40)) {
        case_.seed = seed;
        case_.mode = mode;
        case_.row_id = row.id;
    }

    std::optional<TestCase> run() {
        if (row_.has(in64_ ? No64 : Only64)) return std::nullopt;
        for (int attempt = 0; attempt < 60; ++attempt) {
            if (encode() && arrange_state()) return case_;
        }
        return std::nullopt;
    }

  private:
    std::string_view name() const { return row_.mnemonic; }
    // Of the instruction once it is encoded.
    bool touches(MemoryEffect::At place) const {
        const Effects e = effects(case_.insn);
        return std::any_of(e.memory, e.memory + e.memory_count,
                           [=](const MemoryEffect& m) { return m.at == place; });
    }
    bool has_kind(std::string_view letters) const {
        for (unsigned i = 0; i < row_.operand_count; ++i) {
            if (letters.find(row_.operands[i].kind) != letters.npos) return true;
        }
        return false;
    }

    // ---- bytes ----

    void emit(u64 value, unsigned size) {
        for (unsigned i = 0; i < size && length_ < case_.bytes.size(); ++i) {
            case_.bytes[length_++] = static_cast<u8>(value >> (8 * i));
        }
    }

    void emit_prefixes() {
        u8 prefixes[8];
        unsigned n = 0;
        const Encoding& e = row_.encoding;
        if (e.vex) return emit_vex();
        const bool may_take_opsize = e.prefix == Encoding::Prefix::Any || e.prefix == Encoding::Prefix::PF2 ||
                                     e.prefix == Encoding::Prefix::PF3;
        // AMD and Intel differ on 66 before near branches in 64-bit mode; the host may be either.
        if (may_take_opsize && rng_.one_in(4) && !(in64_ && row_.has(F64))) prefixes[n++] = 0x66;
        if (e.prefix == Encoding::Prefix::P66) prefixes[n++] = 0x66;
        if (rng_.one_in(12)) prefixes[n++] = 0x67;
        if (rng_.one_in(12)) prefixes[n++] = in64_ && rng_.one_in(2) ? 0x65 : kIgnoredSegments[rng_.below(4)];
        if (in64_ && rng_.one_in(48)) {  // an ignored override before or behind one that counts
            prefixes[n++] = 0x65;
            prefixes[n++] = kIgnoredSegments[rng_.below(4)];
        }
        if (row_.has(row_words::Lock) && rng_.one_in(3)) prefixes[n++] = 0xf0;
        if (row_.has(Rep)) {
            if (rng_.one_in(2)) prefixes[n++] = rng_.one_in(2) ? 0xf3 : 0xf2;
        } else if (e.map == 0 && e.prefix == Encoding::Prefix::Any && !is_branch(row_.flow) &&
                   rng_.one_in(24)) {
            prefixes[n++] = rng_.one_in(2) ? 0xf3 : 0xf2;  // means nothing here
        }
        for (unsigned i = n; i > 1; --i) std::swap(prefixes[i - 1], prefixes[rng_.below(i)]);
        for (unsigned i = 0; i < n; ++i) emit(prefixes[i], 1);
        if (e.prefix == Encoding::Prefix::PF3) emit(0xf3, 1);
        if (e.prefix == Encoding::Prefix::PF2) emit(0xf2, 1);
        if (in64_ && (e.rex_w || rng_.one_in(2))) {
            u8 rex = static_cast<u8>(0x40 | rng_.below(16));
            if (e.rex_w) rex |= 8;
            if (e.rex_b_clear) rex &= 0xfe;
            emit(rex, 1);
        }
    }

    // Address-size and segment prefixes, then C5 where it can be said in it, or C4.
    void emit_vex() {
        const Encoding& e = row_.encoding;
        if (rng_.one_in(12)) emit(0x67, 1);
        if (rng_.one_in(12)) emit(in64_ && rng_.one_in(2) ? 0x65 : kIgnoredSegments[rng_.below(4)], 1);
        // Outside 64-bit mode VEX.W means nothing to general registers, and vvvv's top bit nothing at all.
        const bool any_w = e.vex_w == Encoding::VexW::Ignored || (!in64_ && has_kind("EGRB"));
        const bool w = any_w ? rng_.one_in(2) : e.vex_w == Encoding::VexW::One;
        const bool l = e.vex_l == Encoding::VexL::Ignored ? rng_.one_in(2) : e.vex_l == Encoding::VexL::One;
        const unsigned pp = e.prefix == Encoding::Prefix::P66   ? 1
                            : e.prefix == Encoding::Prefix::PF3 ? 2
                            : e.prefix == Encoding::Prefix::PF2 ? 3
                                                                : 0;
        const u64 vvvv = has_kind("HB") ? rng_.below(in64_ ? 16 : 8) : 0;
        u64 last = (~vvvv & 15) << 3 | u64{l} << 2 | pp;
        const u64 rxb = in64_ ? rng_.below(8) : 7;  // inverted
        if (e.map == 1 && !w && (rxb & 3) == 3 && rng_.one_in(2)) {
            emit(0xc5, 1);
            emit((rxb & 4) << 5 | last, 1);
        } else {
            emit(0xc4, 1);
            emit(rxb << 5 | e.map, 1);
            if (!in64_ && has_kind("HB") && rng_.one_in(4)) last &= ~u64{0x40};
            emit(u64{w} << 7 | last, 1);
        }
    }

    void emit_modrm() {
        const Encoding& e = row_.encoding;
        u8 modrm = rng_.byte();
        bool allows_register = true, allows_memory = true;
        for (unsigned i = 0; i < row_.operand_count; ++i) {
            if (row_.operands[i].allows_register || row_.operands[i].allows_memory) {
                allows_register = row_.operands[i].allows_register;
                allows_memory = row_.operands[i].allows_memory;
            }
        }
        // AMD knows the register forms of 0F 0D as #UD.
        if (e.map == 1 && e.opcode == 0x0d) allows_register = false;
        if (!allows_memory || (allows_register && rng_.one_in(2))) {
            modrm |= 0xc0;
        } else if (modrm >= 0xc0) {
            modrm = static_cast<u8>(modrm & 0x3f) | static_cast<u8>(rng_.below(3) << 6);
        }
        if (has_kind("v")) modrm = static_cast<u8>((modrm & ~7u) | 4);  // VSIB
        if (e.modrm == Encoding::ModRm::Digit) modrm = static_cast<u8>((modrm & 0xc7) | e.digit << 3);
        if (e.modrm == Encoding::ModRm::Fixed) modrm = static_cast<u8>(e.fixed + rng_.below(e.fixed_count));
        emit(modrm, 1);
        disp_at_ = disp_size_ = 0;
        if (modrm >= 0xc0 || row_.has(IgnoreMod)) return;
        // 16-bit addressing cannot reach the arena; such cases are thrown away below.
        const unsigned mod = modrm >> 6;
        unsigned base = modrm & 7;
        if (base == 4) {
            const u8 sib = rng_.byte();
            emit(sib, 1);
            base = sib & 7;
        }
        disp_size_ = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
        disp_at_ = length_;
        emit(random_integer(rng_), disp_size_);
    }

    void emit_immediates() {
        for (unsigned i = 0; i < row_.operand_count; ++i) {
            const char kind = row_.operands[i].kind;
            if (kind == 'O') {
                disp_at_ = length_;
                disp_size_ = 8;
                emit(0, 8);
            } else if (kind == 'I' || kind == 'J' || kind == 'A' || kind == 'L') {
                immediate_at_ = length_;
                emit(random_integer(rng_), 8);  // too long, cut after decoding
            }
        }
    }

    bool encode() {
        length_ = 0;
        disp_at_ = disp_size_ = immediate_at_ = 0;
        case_.bytes.fill(0);
        emit_prefixes();
        const Encoding& e = row_.encoding;
        if (e.map && !e.vex) emit(0x0f, 1);
        if (e.map > 1 && !e.vex) emit(e.map == 2 ? 0x38 : 0x3a, 1);
        emit(e.opcode + (e.plus_r ? rng_.below(8) : 0), 1);
        if (e.modrm != Encoding::ModRm::None) emit_modrm();
        emit_immediates();
        return decode_again();
    }

    bool decode_again() {
        if (decode(case_.bytes, mode_, features_, case_.insn) != DecodeStatus::Ok) return false;
        if (case_.insn.row_id != row_.id) return false;
        if (case_.insn.asize == 2 && (case_.insn.has_memory() || row_.has(Rep))) return false;
        length_ = case_.insn.length;
        std::fill(case_.bytes.begin() + case_.insn.length, case_.bytes.end(), u8{0});
        return true;
    }

    void patch(unsigned at, u64 value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) case_.bytes[at + i] = static_cast<u8>(value >> (8 * i));
    }

    // ---- state ----

    // Where a memory operand shall lie.
    u64 choose_address(u64 size) {
        if (size == 0) size = 8;
        u64 base, span;
        switch (rng_.below(20)) {
            case 0:  // over the end of the writable pages, or before their beginning
                return rng_.one_in(2) ? kDataBase + kDataSize - 1 - rng_.below(size)
                                      : kDataBase - 1 - rng_.below(size);
            case 1:
                if (in64_) return 0x0000'8000'0000'0000 + (rng_.next() & 0x7fff'ffff'ffff'0000) / 4;
                [[fallthrough]];
            case 2:
                return kArenaBase + rng_.below(kArenaEnd - kArenaBase - 0x1000);  // most likely unmapped
            case 3:
                base = kReadOnlyBase;
                span = kReadOnlySize;
                break;
            case 4:  // across the middle of the two data pages
                base = kDataBase + 0x1000 - size;
                span = 2 * size;
                break;
            case 5:
                base = kWindows[kStackWindow].base;
                span = kWindows[kStackWindow].size;
                break;
            default:
                base = kWindows[kMainWindow].base;
                span = kWindows[kMainWindow].size;
                break;
        }
        const u64 room = span > size ? span - size + 1 : 1;
        u64 address = base + rng_.below(room);
        const u64 alignment = size >= 32 ? 32 : size >= 16 ? 16 : 1;
        if (alignment > 1 && !rng_.one_in(8)) address &= ~(alignment - 1);
        return address;
    }

    // Makes the explicit memory operand lie at `target` by choice of registers and displacement.
    bool aim(u64 target) {
        const Insn& insn = case_.insn;
        u64(&gpr)[16] = case_.initial.gpr;
        const u64 offset = insn.segment == kGs ? target - kGsBase : target;
        if (row_.operand_count && has_kind("O")) {
            patch(disp_at_, offset, insn.asize);
            return decode_again();
        }
        // A small displacement where registers can carry the rest.
        const u64 scale = u64{1} << insn.scale_log2;
        const bool has_base = insn.base != kNoRegister && insn.base != kRipRegister;
        if (disp_size_ == 4) {
            u64 disp = has_base && rng_.one_in(2) ? 0 - rng_.below(0x1000) : rng_.below(0x1000);
            if (!has_base) {
                if (insn.index != kNoRegister) gpr[insn.index] = rng_.below(0x400);
                const u64 index = insn.index != kNoRegister ? gpr[insn.index] * scale : 0;
                disp = offset - index;
                if (insn.base == kRipRegister) disp -= case_.initial.rip + insn.length;
            } else if (insn.index == insn.base) {
                gpr[insn.base] = rng_.below(0x10000);
                disp = offset - gpr[insn.base] * (1 + scale);
            }
            patch(disp_at_, disp, 4);
            if (!decode_again()) return false;
        }
        if (has_base && insn.index != insn.base) {
            if (insn.index != kNoRegister && insn.index != 4) {
                gpr[insn.index] = rng_.one_in(4) ? 0 - rng_.below(0x100) : rng_.below(0x10000);
            }
            const u64 index = insn.index != kNoRegister ? gpr[insn.index] * scale : 0;
            u64 value = offset - index - static_cast<u64>(insn.disp);
            // With 32-bit addresses the upper half must not matter.
            if (insn.asize == 4 && in64_) value = (value & 0xffff'ffff) | rng_.next() << 32;
            gpr[insn.base] = value;
        }
        return true;
    }

    // Elements of the index near zero, or such that some address is like any other operand's; a mask that is
    // mostly set.
    bool aim_gather() {
        const Insn& insn = case_.insn;
        TestState& s = case_.initial;
        const bool wide_index = vsib_index_size(row_) == 8;
        for (unsigned half = 0; half < 2; ++half) {
            u8* index = half ? s.ymm[insn.index] : s.fx.xmm[insn.index];
            for (unsigned i = 0; i < 16; i += wide_index ? 8 : 4) {
                i64 value = static_cast<i64>(rng_.below(0x200)) - 0x100;
                if (rng_.one_in(16)) value = static_cast<i64>(rng_.below(0x2000)) - 0x1000;
                std::memcpy(index + i, &value, wide_index ? 8 : 4);
            }
            if (rng_.one_in(2)) random_lanes(rng_, half ? s.ymm[insn.vvvv] : s.fx.xmm[insn.vvvv], 16);
        }
        const u64 offset = insn.segment == kGs ? 0 - kGsBase : 0;
        if (insn.base == kNoRegister) return false;
        s.gpr[insn.base] = choose_address(8) + offset - static_cast<u64>(insn.disp);
        if (insn.asize == 4 && in64_) s.gpr[insn.base] = (s.gpr[insn.base] & 0xffff'ffff) | rng_.next() << 32;
        return true;
    }

    void aim_string_registers() {
        u64(&gpr)[16] = case_.initial.gpr;
        u64 count = rng_.one_in(6) ? 0 : rng_.below(24);
        if (rng_.one_in(8)) count = rng_.below(100);
        gpr[1] = count;
        for (unsigned reg : {6u, 7u}) {
            u64 address = kWindows[kMainWindow].base + 0x100 + rng_.below(kWindows[kMainWindow].size - 0x200);
            if (rng_.one_in(8)) address = choose_address(8);
            if (reg == 7 && rng_.one_in(4)) address = gpr[6] + rng_.below(24) - 12;  // overlapping
            gpr[reg] = address;
        }
        if (case_.insn.segment == kGs) gpr[6] -= kGsBase;
        if (case_.insn.asize == 4 && in64_) {
            for (unsigned reg : {1u, 6u, 7u}) gpr[reg] = (gpr[reg] & 0xffff'ffff) | rng_.next() << 32;
        }
        // Long common beginnings for CMPS and SCAS.
        if (row_.has(RepCond)) {
            u8 same[64];
            std::fill(std::begin(same), std::end(same), rng_.byte());
            if (rng_.one_in(2)) {
                for (unsigned reg : {6u, 7u})
                    case_.initial.poke(gpr[reg] & 0xffff'ffff, same, rng_.below(64));
                if (rng_.one_in(2)) std::fill_n(reinterpret_cast<u8*>(&gpr[0]), 8, same[0]);
            }
        }
    }

    void random_registers() {
        for (u64& r : case_.initial.gpr) r = random_integer(rng_);
        case_.initial.gpr[4] = kWindows[kStackWindow].base + 0x200 + rng_.below(0x300);
        if (!rng_.one_in(8)) case_.initial.gpr[4] &= ~u64{7};
        if (row_.exceptions == ExceptionClass::Stack && in64_ && rng_.one_in(32)) {
            case_.initial.gpr[4] = 0x0001'0000'0000'0000 + (rng_.next() >> 8);  // not canonical: #SS
        }
        if (touches(MemoryEffect::At::Frame)) {
            case_.initial.gpr[5] = kWindows[kStackWindow].base + 0x200 + rng_.below(0x300);
        }
        u64 flags = 0x202 | (rng_.next() & (Status | DF));
        if (rng_.one_in(32)) flags |= AC;
        if (rng_.one_in(32)) flags |= ID;
        case_.initial.rflags = flags;
    }

    void random_memory() {
        // A cheap background, and interesting lanes where an operand will be.
        u64 x = rng_.next();
        for (unsigned i = 0; i < kMemorySize; i += 8) {
            x = x * 6364136223846793005 + 1442695040888963407;
            std::memcpy(case_.initial.memory + i, &x, 8);
        }
    }

    void random_operand_memory(u64 address, unsigned size) {
        alignas(16) u8 bytes[64];
        random_lanes(rng_, bytes, sizeof bytes);
        if (size == 10 && row_.feature == Feature::Fpu) {
            if (name() == "FBLD") {
                for (unsigned i = 0; i < 9; ++i)
                    bytes[i] = static_cast<u8>(rng_.below(10) | rng_.below(10) << 4);
            } else {
                random_extended(rng_, bytes);
            }
        }
        if (name() == "FXRSTOR") {
            FxImage fx;
            random_fx(rng_, fx);
            if (rng_.one_in(16)) fx.mxcsr |= 1u << (18 + rng_.below(14));  // reserved: #GP
            case_.initial.poke(address, &fx, sizeof fx);
            return;
        }
        if (name().starts_with("XRSTOR")) return random_xsave_area(address);
        if (name().ends_with("LDMXCSR")) {
            FxImage fx;
            random_fx(rng_, fx);
            if (rng_.one_in(16)) fx.mxcsr |= 1u << (18 + rng_.below(14));
            std::memcpy(bytes, &fx.mxcsr, 4);
        }
        case_.initial.poke(address, bytes, std::max(size, 16u) > 64 ? 64 : std::max(size, 16u));
    }

    // Mostly one that XRSTOR accepts: of the components x87, SSE and AVX, in either format.
    void random_xsave_area(u64 address) {
        FxImage fx;
        random_fx(rng_, fx);
        if (rng_.one_in(16)) fx.mxcsr |= 1u << (18 + rng_.below(14));
        u64 header[8] = {rng_.below(8)};
        if (rng_.one_in(2)) header[1] = u64{1} << 63 | (rng_.one_in(8) ? rng_.below(8) : 7);
        if (rng_.one_in(8)) header[rng_.below(8)] |= u64{1} << (24 + rng_.below(38));  // no host's component
        u8 upper[256];
        random_lanes(rng_, upper, sizeof upper);
        case_.initial.poke(address, &fx, sizeof fx);
        case_.initial.poke(address + sizeof fx, header, sizeof header);
        case_.initial.poke(address + sizeof fx + sizeof header, upper, sizeof upper);
    }

    // Targets for branches: within the code pages, away from the instruction and what follows it.
    u64 choose_target(u64 lowest, u64 highest) {
        const u64 from = case_.initial.rip - 1, to = case_.initial.rip + kMaxInsnLength + 20;
        for (;;) {
            const u64 target = lowest + rng_.below(highest - lowest);
            if (target < from || target > to) return target;
        }
    }

    bool arrange_branch() {
        const Insn& insn = case_.insn;
        const u64 end = case_.initial.rip + insn.length;
        const u64 target = choose_target(kCodeBase + 0x100, kCodeBase + kCodeSize - 0x100);
        if (insn.operand_count && insn.operands[0].kind == OperandKind::Relative) {
            const unsigned size = insn.operands[0].size;
            if (insn.opsize == 2) return false;  // cuts EIP to 16 bits: outside the arena
            const u64 near = choose_target(end - 0x78, end + 0x78);
            patch(immediate_at_, (size == 1 ? near : target) - end, size);
            return decode_again();
        }
        if (insn.opsize == 2) return false;
        if (row_.exceptions != ExceptionClass::Branch) return true;  // not a near branch
        if (row_.flow == Flow::Return) {
            case_.initial.poke(case_.initial.gpr[4], &target, insn.opsize);
        } else {
            if (insn.operands[0].is_memory()) {
                const u64 at = linear_address(insn, case_.initial.gpr, case_.initial.rip);
                if (at + insn.opsize > kReadOnlyBase && at < kReadOnlyBase + kReadOnlySize) return false;
                // Beside a window the target cannot be put, and is 0.
                if (!case_.initial.at(at) || !case_.initial.at(at + insn.opsize - 1)) return false;
                case_.initial.poke(at, &target, insn.opsize);
            } else if (insn.operands[0].reg != 4) {
                case_.initial.gpr[insn.operands[0].reg] = target;
            } else {
                return false;
            }
        }
        return true;
    }

    // Values that make particular instructions do more than fail.
    void flavour() {
        u64(&gpr)[16] = case_.initial.gpr;
        const Insn& insn = case_.insn;
        const std::string_view n = name();
        if (n == "DIV" || n == "IDIV") {
            if (!rng_.one_in(6)) {
                gpr[2] = n == "DIV" ? rng_.below(4)
                                    : (static_cast<i64>(gpr[0] << (64 - 8 * insn.opsize)) < 0 ? ~u64{0} : 0);
                if (insn.operands[0].size == 1) gpr[0] = rng_.below(0x800);
            }
        } else if (n == "CMPXCHG" && rng_.one_in(2)) {
            const Operand& op = insn.operands[0];
            if (op.is_gpr()) {
                gpr[0] = op.high8 ? gpr[op.reg - 4] >> 8 : gpr[op.reg];
            } else {
                case_.initial.poke(linear_address(insn, gpr, case_.initial.rip), &gpr[0], op.size);
            }
        } else if (n.starts_with("CMPXCHG") && n.size() > 7 && rng_.one_in(2)) {
            const unsigned half = insn.operands[0].size / 2u;
            const u64 address = linear_address(insn, gpr, case_.initial.rip);
            case_.initial.poke(address, &gpr[0], half);
            case_.initial.poke(address + half, &gpr[2], half);
        } else if (n.find("PCMPESTR") != n.npos && !rng_.one_in(6)) {
            gpr[0] = rng_.below(40) - 20;
            gpr[2] = rng_.below(40) - 20;
        } else if (n == "POPF") {
            u64 flags = rng_.next() & (Status | DF | AC | ID | 0x7000'0000'0000'0000 | IF | IOPL);
            case_.initial.poke(gpr[4], &flags, 8);
        } else if (row_.has(BitString)) {
            if (insn.operands[0].is_memory()) {
                u64& index = gpr[insn.operands[1].reg];
                if (insn.operands[1].reg != insn.base && insn.operands[1].reg != insn.index) {
                    index = rng_.below(0x2000) - 0x1000;
                    if (rng_.one_in(2)) index = rng_.below(64);
                    if (insn.opsize < 8 && rng_.one_in(2))
                        index = (index & ((u64{1} << (8 * insn.opsize)) - 1)) | rng_.next()
                                                                                    << (8 * insn.opsize);
                }
            }
        } else if (touches(MemoryEffect::At::Table)) {
            gpr[3] = kWindows[kMainWindow].base + rng_.below(kWindows[kMainWindow].size - 0x100);
            if (insn.segment == kGs) gpr[3] -= kGsBase;
            if (insn.asize == 4 && in64_) gpr[3] = (gpr[3] & 0xffff'ffff) | rng_.next() << 32;
        } else if (touches(MemoryEffect::At::Rdi)) {
            gpr[7] = rng_.one_in(8)
                         ? choose_address(16)
                         : kWindows[kMainWindow].base + rng_.below(kWindows[kMainWindow].size - 16);
            if (insn.segment == kGs) gpr[7] -= kGsBase;
        } else if (uses_xsave_area(row_)) {
            // The host may have other components beside these.
            gpr[0] = rng_.next() << 32 | rng_.below(8);
            gpr[2] = rng_.next() << 32;
        } else if (n == "BEXTR" || n == "BZHI") {
            const bool is_address = insn.has_memory() && (insn.vvvv == insn.base || insn.vvvv == insn.index);
            if (!is_address && insn.vvvv != 4 && rng_.one_in(2))
                gpr[insn.vvvv] = (gpr[insn.vvvv] & ~u64{0xffff}) | rng_.below(72) << 8 | rng_.below(72);
        } else if (row_.timing == Timing::Loop) {
            if (rng_.one_in(3)) gpr[1] = rng_.below(2) | (rng_.one_in(2) ? u64{1} << 32 : 0);
        }
    }

    bool arrange_state() {
        TestState& s = case_.initial;
        s = TestState{};
        // Anywhere in the middle page, sometimes across its end.
        const bool crossing = rng_.one_in(8);
        s.rip = kCodeBase + (crossing ? 0x2000 - rng_.below(kMaxInsnLength) : 0x1100 + rng_.below(0xd00));
        random_fx(rng_, s.fx);
        for (auto& ymm : s.ymm) random_lanes(rng_, ymm, sizeof ymm);
        random_memory();
        random_registers();
        bool has_memory = case_.insn.has_memory();
        if (case_.insn.vsib != 0) {
            if (!aim_gather()) return false;
        } else if (has_memory) {
            unsigned size = 0;
            for (const Operand& op : case_.insn.operands) {
                if (op.is_memory()) size = op.size;
            }
            if (uses_xsave_area(row_)) size = kXsaveAreaSize;
            u64 target = choose_address(size);
            if (uses_xsave_area(row_) && !rng_.one_in(8)) target &= ~u64{63};
            if (!aim(target)) return false;
            random_operand_memory(linear_address(case_.insn, s.gpr, s.rip), size);
        }
        if (has_kind("XY")) aim_string_registers();
        flavour();
        const bool calls = row_.flow == Flow::Call || row_.flow == Flow::Return;
        if (calls && in64_ && rng_.one_in(32)) s.gpr[4] = 0x0001'0000'0000'0000 + (rng_.next() >> 8);
        if (is_branch(row_.flow) && !arrange_branch()) return false;
        if (!in64_) {
            for (u64& r : s.gpr) r &= 0xffff'ffff;
            for (unsigned i = 8; i < 16; ++i) s.gpr[i] = 0;
            std::memset(s.fx.xmm[8], 0, 8 * 16);
            std::memset(s.ymm[8], 0, 8 * 16);
        }
        // Whether these areas are checked for alignment is the processor's choice.
        const SizeCode area = row_.operands[0].mem_size;
        if (area == SizeCode::F || area == SizeCode::E) s.rflags &= ~u64{AC};
        if (case_.insn.vsib != 0 && !stays_in_arena(gather_touches(case_.insn, s))) return false;
        return stays_in_arena(memory_touches(case_.insn, s.gpr, s.rflags, s.rip));
    }

    static constexpr u8 kIgnoredSegments[4] = {0x26, 0x2e, 0x36, 0x3e};

    const Row& row_;
    CpuMode mode_;
    bool in64_;
    const CpuFeatures& features_;
    Rng rng_;
    TestCase case_;
    unsigned length_ = 0;
    unsigned disp_at_ = 0, disp_size_ = 0, immediate_at_ = 0;
};

}  // namespace

std::optional<TestCase> generate(const Row& row, u64 seed, CpuMode mode, const CpuFeatures& features) {
    return Generator(row, seed, mode, features).run();
}

}  // namespace orrery::testing
