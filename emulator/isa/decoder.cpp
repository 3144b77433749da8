#include "emulator/isa/decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "emulator/isa/decode_table.h"

namespace orrery {
namespace {

enum class PrefixByte : u8 { No, Segment, Opsize, Asize, Lock, Repne, Rep, Rex };

constexpr auto kPrefixBytes = [] {
    std::array<PrefixByte, 256> t{};
    for (int b : {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65}) t[b] = PrefixByte::Segment;
    t[0x66] = PrefixByte::Opsize;
    t[0x67] = PrefixByte::Asize;
    t[0xf0] = PrefixByte::Lock;
    t[0xf2] = PrefixByte::Repne;
    t[0xf3] = PrefixByte::Rep;
    for (int b = 0x40; b <= 0x4f; ++b) t[b] = PrefixByte::Rex;
    return t;
}();

// The work of one decode() call. `fail()` ends it from any depth by leaving `status` other than Ok and
// feeding zero bytes from then on.
class Decoding {
  public:
    Decoding(std::span<const u8> bytes, CpuMode mode, const CpuFeatures& features, Insn& insn)
        : bytes_(bytes.data()),
          limit_(std::min<std::size_t>(bytes.size(), kMaxInsnLength)),
          mode_(mode),
          features_(features),
          insn_(insn) {}

    DecodeStatus run() {
        insn_ = Insn{};
        insn_.mode_bits = mode_ == CpuMode::Bits64 ? 64 : mode_ == CpuMode::Bits32 ? 32 : 16;
        read_prefixes_and_opcode();
        if (status_ == DecodeStatus::Ok) find_row();
        if (status_ == DecodeStatus::Ok) {
            set_sizes();
            if (row_->has_modrm()) read_address();
            if (insn_.vex) check_vvvv();
            read_operands();
        }
        if (status_ == DecodeStatus::Ok) check_lock();
        insn_.length = static_cast<u8>(at_);
        return status_;
    }

  private:
    bool in64() const { return mode_ == CpuMode::Bits64; }

    void fail(DecodeStatus why) {
        if (status_ == DecodeStatus::Ok) status_ = why;
    }

    // Little-endian, zero-extended.
    template <typename T>
    T take() {
        if (at_ + sizeof(T) > limit_) {
            fail(limit_ == kMaxInsnLength ? DecodeStatus::TooLong : DecodeStatus::NeedMoreBytes);
            at_ = limit_;
            return 0;
        }
        T value;
        std::memcpy(&value, bytes_ + at_, sizeof value);  // hosts are little-endian (asserted below)
        at_ += sizeof value;
        return value;
    }
    static_assert(std::endian::native == std::endian::little);

    i64 take_signed(unsigned size) {
        switch (size) {
            case 1:
                return static_cast<i8>(take<u8>());
            case 2:
                return static_cast<i16>(take<u16>());
            case 4:
                return static_cast<i32>(take<u32>());
            default:
                return static_cast<i64>(take<u64>());
        }
    }

    i64 take_unsigned(unsigned size) {
        switch (size) {
            case 1:
                return take<u8>();
            case 2:
                return take<u16>();
            case 4:
                return take<u32>();
            default:
                return static_cast<i64>(take<u64>());
        }
    }

    // SDM Vol. 2, 2.1.1 and 2.2.1: prefixes in any order, the last of a group wins; REX counts only right
    // before the opcode. In 64-bit mode the ES, CS, SS and DS overrides are ignored.
    void read_prefixes_and_opcode() {
        u8 rex = 0;
        u8 byte = take<u8>();
        while (status_ == DecodeStatus::Ok) {
            PrefixByte kind = kPrefixBytes[byte];
            if (kind == PrefixByte::No || (kind == PrefixByte::Rex && !in64())) break;
            rex = 0;
            switch (kind) {
                case PrefixByte::Segment:
                    if (byte >= 0x64) {
                        segment_ = byte == 0x64 ? kFs : kGs;
                    } else if (!in64()) {
                        segment_ = static_cast<i8>((byte >> 3) & 3);
                    }
                    break;
                case PrefixByte::Opsize:
                    insn_.opsize_prefix = true;
                    break;
                case PrefixByte::Asize:
                    asize_prefix_ = true;
                    break;
                case PrefixByte::Lock:
                    insn_.lock = true;
                    break;
                case PrefixByte::Repne:
                    insn_.repne = true;
                    insn_.rep = false;
                    break;
                case PrefixByte::Rep:
                    insn_.rep = true;
                    insn_.repne = false;
                    break;
                default:
                    rex = byte;
                    break;
            }
            byte = take<u8>();
        }
        if (begins_vex(byte)) return read_vex(byte, rex);
        insn_.has_rex = rex != 0;
        insn_.rex_w = rex & 8;
        rex_r_ = rex & 4 ? 8 : 0;
        rex_x_ = rex & 2 ? 8 : 0;
        rex_b_ = rex & 1 ? 8 : 0;
        if (byte == 0x0f) {
            insn_.map = 1;
            byte = take<u8>();
            if (byte == 0x38 || byte == 0x3a) {
                insn_.map = byte == 0x38 ? 2 : 3;
                byte = take<u8>();
            }
        }
        insn_.opcode = byte;
        finish_prefixes();
    }

    void finish_prefixes() {
        set_override();  // also for implied memory operands: XLAT, MASKMOVQ
        insn_.asize = in64()                                          ? (asize_prefix_ ? 4 : 8)
                      : ((mode_ == CpuMode::Bits32) != asize_prefix_) ? 4
                                                                      : 2;
    }

    // Outside 64-bit mode C4 and C5 are LES and LDS where a memory operand follows.
    bool begins_vex(u8 byte) {
        if (byte != 0xc4 && byte != 0xc5) return false;
        if (in64()) return true;
        if (at_ < limit_) return bytes_[at_] >= 0xc0;
        take<u8>();
        return false;
    }

    // SDM Vol. 2, 2.3.5. R, X, B and vvvv are inverted; outside 64-bit mode only eight registers can be
    // named.
    void read_vex(u8 byte, u8 rex) {
        if (insn_.opsize_prefix || insn_.lock || insn_.rep || insn_.repne || rex != 0)
            return fail(DecodeStatus::Undefined);
        insn_.vex = true;
        u8 last = take<u8>();
        rex_r_ = last & 0x80 ? 0 : 8;
        insn_.map = 1;
        if (byte == 0xc4) {
            rex_x_ = last & 0x40 ? 0 : 8;
            rex_b_ = last & 0x20 ? 0 : 8;
            insn_.map = last & 0x1f;
            last = take<u8>();
            insn_.rex_w = last & 0x80;
        }
        vvvv_ = static_cast<u8>(~last >> 3 & 15);
        insn_.vvvv = in64() ? vvvv_ : vvvv_ & 7;
        insn_.vex_l = last >> 2 & 1;
        vex_prefix_ = last & 3;
        if (!in64()) rex_r_ = rex_x_ = rex_b_ = 0;
        insn_.opcode = take<u8>();
        if (insn_.map < 1 || insn_.map > 3) fail(DecodeStatus::Undefined);
        finish_prefixes();
    }

    void read_modrm() {
        insn_.has_modrm = true;
        insn_.modrm = take<u8>();
        insn_.mod = insn_.modrm >> 6;
        insn_.reg = static_cast<u8>(((insn_.modrm >> 3) & 7) | rex_r_);
        insn_.rm = static_cast<u8>((insn_.modrm & 7) | rex_b_);
    }

    void find_row() {
        OpcodeKey key;
        key.map = insn_.map;
        key.opcode = insn_.opcode;
        key.prefix = insn_.vex ? vex_prefix_ : insn_.repne ? 3 : insn_.rep ? 2 : insn_.opsize_prefix ? 1 : 0;
        key.in64 = in64();
        key.rex_w = insn_.rex_w;
        key.rex_b = rex_b_ != 0;
        key.vex = insn_.vex;
        key.vex_l = insn_.vex_l != 0;
        const DecodeTable& table = DecodeTable::instance();
        u16 slot = table.slot(key);
        if (slot == DecodeTable::kAbsent) return fail(DecodeStatus::Undefined);
        if (DecodeTable::needs_modrm(slot)) read_modrm();
        if (status_ != DecodeStatus::Ok) return;
        u16 id = table.row(slot, insn_.modrm);
        if (id == kNoRow) return fail(DecodeStatus::Undefined);
        row_ = &rows_[id];
        if (!features_.has(row_->feature) || (row_->encoding.rex_b_clear && rex_b_)) {
            // Rare: another row, or none, takes its place. All rows of one opcode agree on having ModRM.
            if (row_->has_modrm() && !insn_.has_modrm) read_modrm();
            if (status_ != DecodeStatus::Ok) return;
            id = DecodeTable::search(key, insn_.modrm, features_);
            if (id == kNoRow) return fail(DecodeStatus::Undefined);
            row_ = &rows_[id];
        }
        if (row_->has_modrm() && !insn_.has_modrm) read_modrm();
        insn_.row = row_;
        insn_.row_id = id;
        if (row_->encoding.prefix == Encoding::Prefix::PF3) insn_.rep = false;
        if (row_->encoding.prefix == Encoding::Prefix::PF2) insn_.repne = false;
    }

    void set_sizes() {
        using namespace row_words;
        bool prefix = insn_.opsize_prefix && row_->encoding.prefix != Encoding::Prefix::P66;
        if (insn_.vex) {
            insn_.opsize = in64() && insn_.rex_w ? 8 : 4;
        } else if (in64()) {
            if (insn_.rex_w || row_->has(F64)) {
                insn_.opsize = 8;
            } else if (prefix) {
                insn_.opsize = 2;
            } else {
                insn_.opsize = row_->has(D64) ? 8 : 4;
            }
        } else {
            insn_.opsize = ((mode_ == CpuMode::Bits32) != prefix) ? 4 : 2;
        }
    }

    // A VEX.vvvv that no operand uses must be 1111b (SDM Vol. 2, 2.3.5.6).
    void check_vvvv() {
        for (unsigned i = 0; i < row_->operand_count; ++i)
            if (row_->operands[i].kind == 'H' || row_->operands[i].kind == 'B') return;
        if (vvvv_ != 0) fail(DecodeStatus::Undefined);
    }

    // VSIB needs a SIB byte; gathers want three registers that differ (SDM Vol. 2, 2.3.12).
    void set_vsib(Operand& op, const OperandSpec& spec) {
        op.kind = OperandKind::Memory;
        if (insn_.asize == 2 || (insn_.modrm & 7) != 4) return fail(DecodeStatus::Undefined);
        insn_.vsib = spec.vsib;
        insn_.index = vsib_index_;
        if (insn_.reg == insn_.index || insn_.reg == insn_.vvvv || insn_.index == insn_.vvvv)
            fail(DecodeStatus::Undefined);
    }

    // ModRM, SIB and displacement: SDM Vol. 2, tables 2-1 to 2-3 and 2.2.1.
    void read_address() {
        if (insn_.mod == 3 || row_->has(row_words::IgnoreMod)) {
            // MASKMOVQ and MASKMOVDQU: an override counts for [rDI], which no operand names.
            set_override();
            return;
        }
        i8 segment = kDs;
        u8 rm = insn_.modrm & 7;
        if (insn_.asize == 2) {
            static constexpr u8 kBase[8] = {3, 3, 5, 5, 6, 7, 5, 3};
            static constexpr u8 kIndex[8] = {6, 7, 6, 7, kNoRegister, kNoRegister, kNoRegister, kNoRegister};
            insn_.base = kBase[rm];
            insn_.index = kIndex[rm];
            if (insn_.mod == 0 && rm == 6) {
                insn_.base = kNoRegister;
                insn_.disp = take_signed(2);
            } else if (insn_.mod != 0) {
                insn_.disp = take_signed(insn_.mod == 1 ? 1 : 2);
            }
            if (insn_.base == 5) segment = kSs;
        } else {
            unsigned disp_size = insn_.mod == 1 ? 1 : insn_.mod == 2 ? 4 : 0;
            u8 base = rm;
            bool has_sib = rm == 4;
            if (has_sib) {
                u8 sib = take<u8>();
                base = sib & 7;
                u8 index = static_cast<u8>(((sib >> 3) & 7) | rex_x_);
                vsib_index_ = index;
                insn_.index = index == 4 ? kNoRegister : index;
                insn_.scale_log2 = sib >> 6;
            }
            if (insn_.mod == 0 && base == 5) {
                disp_size = 4;
                insn_.base = in64() && !has_sib ? kRipRegister : kNoRegister;
            } else {
                insn_.base = static_cast<u8>(base | rex_b_);
                if (insn_.base == 4 || insn_.base == 5) segment = kSs;
            }
            if (disp_size) insn_.disp = take_signed(disp_size);
        }
        insn_.segment = segment_ >= 0 ? segment_ : segment;
        insn_.segment_override = segment_ >= 0;
    }

    u16 size_bytes(SizeCode code) const {
        switch (code) {
            case SizeCode::None:
                return 0;
            case SizeCode::B:
                return 1;
            case SizeCode::W:
                return 2;
            case SizeCode::D:
                return 4;
            case SizeCode::Q:
                return 8;
            case SizeCode::DQ:
                return 16;
            case SizeCode::T:
                return 10;
            case SizeCode::V:
                return insn_.opsize;
            case SizeCode::Z:
                return insn_.opsize == 2 ? 2 : 4;
            case SizeCode::Y:
                return insn_.opsize == 8 ? 8 : 4;
            case SizeCode::N:
                return in64() ? 8 : 4;
            case SizeCode::P:
                return static_cast<u16>(insn_.opsize + 2);
            case SizeCode::S:
                return in64() ? 10 : 6;
            case SizeCode::A:
                return static_cast<u16>(2 * insn_.opsize);
            case SizeCode::C:
                return insn_.opsize == 2 ? 14 : 28;
            case SizeCode::X:
                return insn_.opsize == 2 ? 94 : 108;
            case SizeCode::F:
                return 512;
            case SizeCode::E:
                return 576;
            case SizeCode::QQ:
                return 32;
        }
        return 0;
    }

    void set_gpr(Operand& op, u8 reg) const {
        op.kind = OperandKind::Gpr;
        op.reg = reg;
        op.high8 = op.size == 1 && !insn_.has_rex && reg >= 4;
    }

    void set_rm(Operand& op, const OperandSpec& spec, OperandKind register_kind) {
        if (insn_.mod != 3 && !row_->has(row_words::IgnoreMod)) {
            op.kind = OperandKind::Memory;
            op.size = size_bytes(spec.mem_size);
        } else if (register_kind == OperandKind::Gpr) {
            set_gpr(op, insn_.rm);
        } else {
            op.kind = register_kind;
            op.reg = register_kind == OperandKind::Mmx ? insn_.rm & 7 : insn_.rm;
        }
    }

    void set_control(Operand& op) {
        op.kind = OperandKind::Control;
        op.reg = insn_.reg;
        constexpr u16 kDefined = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;
        if (!(kDefined >> op.reg & 1)) fail(DecodeStatus::Undefined);
    }

    void set_segment(Operand& op) {
        op.kind = OperandKind::Segment;
        op.reg = insn_.reg & 7;
        if (op.reg > kGs || (op.reg == kCs && op.access == Access::Write)) fail(DecodeStatus::Undefined);
    }

    void read_operands() {
        insn_.operand_count = row_->operand_count;
        bool had_immediate = false;
        for (unsigned i = 0; i < row_->operand_count; ++i) {
            const OperandSpec& spec = row_->operands[i];
            Operand& op = insn_.operands[i];
            op.access = spec.access;
            op.size = size_bytes(spec.size);
            switch (spec.kind) {
                case 'E':
                case 'R':
                case 'M':
                    set_rm(op, spec, OperandKind::Gpr);
                    break;
                case 'W':
                case 'U':
                    set_rm(op, spec, OperandKind::Xmm);
                    break;
                case 'Q':
                case 'N':
                    set_rm(op, spec, OperandKind::Mmx);
                    break;
                case 'G':
                    set_gpr(op, insn_.reg);
                    break;
                case 'H':
                    op.kind = OperandKind::Xmm;
                    op.reg = insn_.vvvv;
                    break;
                case 'B':
                    set_gpr(op, insn_.vvvv);
                    break;
                case 'L':
                    op.kind = OperandKind::Xmm;
                    insn_.imm = take<u8>();
                    op.reg = static_cast<u8>(insn_.imm >> 4 & (in64() ? 15 : 7));
                    break;
                case 'v':
                    set_vsib(op, spec);
                    break;
                case 'V':
                    op.kind = OperandKind::Xmm;
                    op.reg = insn_.reg;
                    break;
                case 'P':
                    op.kind = OperandKind::Mmx;
                    op.reg = insn_.reg & 7;
                    break;
                case 'Z':
                    set_gpr(op, static_cast<u8>((insn_.opcode & 7) | rex_b_));
                    break;
                case 'S':
                    set_segment(op);
                    break;
                case 'C':
                    set_control(op);
                    break;
                case 'D':
                    op.kind = OperandKind::Debug;
                    op.reg = insn_.reg;
                    if (op.reg > 7) fail(DecodeStatus::Undefined);
                    break;
                case 'I':
                    read_immediate(op, spec, had_immediate);
                    had_immediate = true;
                    break;
                case 'J':
                    op.kind = OperandKind::Relative;
                    insn_.imm = take_signed(op.size);
                    break;
                case 'A':
                    op.kind = OperandKind::FarPointer;
                    insn_.imm = take_unsigned(insn_.opsize);
                    insn_.imm2 = take_unsigned(2);
                    break;
                case 'O':
                    op.kind = OperandKind::Memory;
                    insn_.disp = take_unsigned(insn_.asize);
                    set_override();
                    break;
                case 'X':
                    op.kind = OperandKind::StringSource;
                    set_override();
                    break;
                case 'Y':
                    op.kind = OperandKind::StringDest;
                    break;
                case 'i':
                    op.kind = OperandKind::St;
                    op.reg = insn_.modrm & 7;
                    break;
                case '1':
                    op.kind = OperandKind::Constant;
                    insn_.imm = 1;
                    break;
                case 'f':
                    op.kind = spec.fixed_kind;
                    op.reg = spec.fixed_reg;
                    break;
                default:
                    fail(DecodeStatus::Undefined);
            }
        }
    }

    void set_override() {
        insn_.segment = segment_ >= 0 ? segment_ : i8{kDs};
        insn_.segment_override = segment_ >= 0;
    }

    // Ib and Iw are zero-extended, Iz, Iv and Ibs sign-extended to 64 bits.
    void read_immediate(Operand& op, const OperandSpec& spec, bool second) {
        bool sign = spec.sign_extend || spec.size == SizeCode::Z || spec.size == SizeCode::V;
        i64 value = sign ? take_signed(op.size) : take_unsigned(op.size);
        if (spec.sign_extend) op.size = insn_.opsize;
        op.kind = second ? OperandKind::Immediate2 : OperandKind::Immediate;
        (second ? insn_.imm2 : insn_.imm) = value;
    }

    // SDM Vol. 2, LOCK: #UD unless the row allows it and the destination is memory.
    void check_lock() {
        if (!insn_.lock) return;
        if (!row_->has(row_words::Lock) || !insn_.operands[0].is_memory()) fail(DecodeStatus::Undefined);
    }

    const u8* bytes_;
    std::size_t limit_;
    std::size_t at_ = 0;
    CpuMode mode_;
    const CpuFeatures& features_;
    Insn& insn_;
    const Row* const rows_ = rows().data();
    const Row* row_ = nullptr;
    DecodeStatus status_ = DecodeStatus::Ok;
    i8 segment_ = -1;
    bool asize_prefix_ = false;
    u8 rex_r_ = 0, rex_x_ = 0, rex_b_ = 0;
    u8 vvvv_ = 0;        // all four bits, in any mode
    u8 vex_prefix_ = 0;  // VEX.pp: 0, 66, F3, F2
    u8 vsib_index_ = 0;
};

}  // namespace

DecodeStatus decode(std::span<const u8> bytes, CpuMode mode, const CpuFeatures& features, Insn& out) {
    return Decoding(bytes, mode, features, out).run();
}

}  // namespace orrery
