#include "emulator/isa/effects.h"

namespace orrery {
namespace {

using namespace row_words;

template <typename Bits>
void touch(Touched<Bits>& t, unsigned bits, Access access, bool replaces = false) {
    const Bits b = static_cast<Bits>(bits);
    if (access == Access::Read || access == Access::ReadWrite) t.read |= b;
    if (access == Access::Write || access == Access::ReadWrite) t.written |= b;
    if (access == Access::Write && replaces) t.replaced |= b;
}

// Whether a write of this many bytes loses all of a general register: 32-bit results are zero-extended.
constexpr bool fills_general(unsigned size) {
    return size >= 4;
}

unsigned bytes_of(ImplicitSpec::Width width, const Insn& insn) {
    using Width = ImplicitSpec::Width;
    switch (width) {
        case Width::B:
            return 1;
        case Width::W:
            return 2;
        case Width::D:
            return 4;
        case Width::Q:
            return 8;
        case Width::V:
            return insn.opsize;
        case Width::Y:
            return insn.opsize == 8 ? 8 : 4;
        case Width::Address:
            return insn.asize;
        case Width::Stack:
            break;
    }
    return insn.mode_bits == 64 ? 8 : 2;  // outside 64-bit mode SS.B says, and may say 16
}

bool is_x87(ExceptionClass c) {
    return c == ExceptionClass::X87 || c == ExceptionClass::X87Control;
}
bool is_mmx(ExceptionClass c) {
    return c == ExceptionClass::Mmx || c == ExceptionClass::MmxFp;
}
// Rounds by MXCSR and leaves its exception flags there.
bool uses_mxcsr(ExceptionClass c) {
    return c == ExceptionClass::SseType2 || c == ExceptionClass::SseType3 || c == ExceptionClass::AvxType2 ||
           c == ExceptionClass::AvxType3 || c == ExceptionClass::AvxType11 || c == ExceptionClass::MmxFp;
}

class Builder {
  public:
    explicit Builder(const Insn& insn) : insn_(insn), row_(*insn.row) {}

    Effects build() {
        e_.flow = row_.flow;
        e_.conditional = row_.has(Conditional) && is_branch(row_.flow);
        e_.repeats = (insn_.rep || insn_.repne) && row_.has(Rep);
        e_.serializing = row_.has(Serializing);
        e_.deterministic = !row_.has(Unordered);
        e_.privilege = row_.privilege;
        // Conditional moves write in any case where they are 32 bits wide; what they write is then old or new.
        whole_ = !e_.repeats;
        for (unsigned i = 0; i < insn_.operand_count; ++i) add(insn_.operands[i]);
        for (unsigned i = 0; i < row_.implicit_count; ++i) add(row_.implicit[i]);
        if (e_.repeats) {
            touch(e_.general, 1u << 1, Access::ReadWrite);
            // With a count of 0 nothing else happens.
            for (unsigned i = 0; i < e_.memory_count; ++i) e_.memory[i].size = insn_.operands[0].size;
        }
        add_by_class();
        add_flags();
        e_.may_fault = faults();
        return e_;
    }

  private:
    void add_memory(MemoryEffect::At at, unsigned size, Access access) {
        if (access == Access::AddressOnly) return;
        MemoryEffect& m = e_.memory[e_.memory_count++];
        m.at = at;
        m.size = static_cast<u16>(size);
        m.read = access != Access::Write;
        m.written = access != Access::Read;
    }

    void add_address() {
        if (insn_.base < 16) touch(e_.general, 1u << insn_.base, Access::Read);
        if (insn_.index < 16 && insn_.vsib == 0) touch(e_.general, 1u << insn_.index, Access::Read);
        if (insn_.vsib != 0) touch(e_.vector, 1u << insn_.index, Access::Read);
        touch(e_.segment, 1u << insn_.segment, Access::Read);
    }

    void add(const Operand& operand) {
        const unsigned bit = 1u << (operand.reg & 15);
        switch (operand.kind) {
            case OperandKind::Gpr:
                touch(e_.general, operand.high8 ? 1u << (operand.reg - 4) : bit, operand.access,
                      whole_ && fills_general(operand.size));
                break;
            case OperandKind::Xmm:
                touch(e_.vector, bit, operand.access, insn_.vex);
                break;
            case OperandKind::Mmx:
                touch(e_.mmx, bit, operand.access, true);
                break;
            case OperandKind::St:
                touch(e_.st, bit, operand.access);
                break;
            case OperandKind::Segment:
                touch(e_.segment, bit, operand.access);
                break;
            case OperandKind::Control:
                touch(e_.system, system_state::kControl, operand.access);
                break;
            case OperandKind::Debug:
                touch(e_.system, system_state::kDebug, operand.access);
                break;
            case OperandKind::Memory:
                add_address();
                add_memory(MemoryEffect::At::Operand, row_.has(BitString) ? 0u : operand.size,
                           operand.access);
                break;
            case OperandKind::StringSource:
                touch(e_.general, 1u << 6, Access::ReadWrite);
                touch(e_.segment, 1u << insn_.segment, Access::Read);
                add_memory(MemoryEffect::At::StringSource, operand.size, operand.access);
                break;
            case OperandKind::StringDest:
                touch(e_.general, 1u << 7, Access::ReadWrite);
                touch(e_.segment, 1u << kEs, Access::Read);
                add_memory(MemoryEffect::At::StringDest, operand.size, operand.access);
                break;
            default:
                break;
        }
    }

    void add(const ImplicitSpec& spec) {
        using Kind = ImplicitSpec::Kind;
        switch (spec.kind) {
            case Kind::Gpr:
                touch(e_.general, 1u << spec.which, spec.access, fills_general(bytes_of(spec.width, insn_)));
                break;
            case Kind::Vector:
                touch(e_.vector, spec.bits, spec.access, insn_.vex);
                break;
            case Kind::St:
                touch(e_.st, spec.bits, spec.access);
                break;
            case Kind::Segment:
                touch(e_.segment, spec.bits, spec.access);
                break;
            case Kind::System:
                touch(e_.system, spec.bits, spec.access);
                break;
            case Kind::Memory:
                add_place(spec);
                break;
            case Kind::Push:
                e_.st.written |= 0x80;
                --e_.x87_pops;
                break;
            case Kind::TopDown:
                --e_.x87_pops;
                break;
            case Kind::Pop:
            case Kind::TopUp:
                ++e_.x87_pops;
                break;
            case Kind::SetTop:
                e_.sets_top = true;
                break;
        }
    }

    void add_place(const ImplicitSpec& spec) {
        using At = MemoryEffect::At;
        switch (spec.which) {
            case ImplicitSpec::AtTable:
                return add_memory(At::Table, 1, spec.access);
            case ImplicitSpec::AtRdi:
                return add_memory(At::Rdi, insn_.operands[0].size, spec.access);
            case ImplicitSpec::AtRax:
                return add_memory(At::Rax, 1, spec.access);
            case ImplicitSpec::AtStack:
                return add_memory(At::Stack, 0, spec.access);
            case ImplicitSpec::AtFrame:
                return add_memory(At::Frame, 0, spec.access);
            default:
                return add_memory(At::System, 0, spec.access);
        }
    }

    void add_by_class() {
        const ExceptionClass c = row_.exceptions;
        if (is_x87(c) || is_mmx(c)) touch(e_.system, system_state::kX87, Access::ReadWrite);
        // An MMX instruction makes the x87's registers its own (SDM Vol. 1, 9.5.1).
        if (is_mmx(c)) e_.sets_top = true;
        if (uses_mxcsr(c)) touch(e_.system, system_state::kMxcsr, Access::ReadWrite);
        if (row_.privilege == Privilege::Io) touch(e_.system, system_state::kPorts, Access::ReadWrite);
    }

    // The count is known and not 0.
    bool counts() const {
        const Operand& last = insn_.operands[insn_.operand_count - 1];
        const bool known = last.kind == OperandKind::Immediate || last.kind == OperandKind::Constant;
        return known && (insn_.imm & (insn_.operands[0].size == 8 ? 63 : 31)) != 0;
    }

    void add_flags() {
        constexpr FlagSet kInFlags = 0xff'ffff;  // C0 to C3 are the x87's
        e_.flags.read = row_.flags_read & kInFlags;
        e_.flags.written = row_.flags_written & kInFlags;
        if (!row_.has(UndefinedKept)) e_.flags.written |= row_.flags_undefined & kInFlags;
        // An x87 instruction that meets an unmasked exception is not done, and raises it at the next one.
        const bool certain = !e_.repeats && !(row_.has(Count) && !counts()) && !is_x87(row_.exceptions);
        if (certain) e_.flags.replaced = e_.flags.written;
    }

    // Instructions of these two classes raise nothing but what their memory operands do.
    bool faults() const {
        if (row_.has(EndsBlock) || row_.privilege != Privilege::Any || e_.system.written != 0) return true;
        return row_.exceptions != ExceptionClass::None &&
               (row_.exceptions != ExceptionClass::Mem || e_.memory_count != 0);
    }

    const Insn& insn_;
    const Row& row_;
    Effects e_;
    bool whole_ = true;
};

}  // namespace

bool Effects::reads_memory() const {
    for (unsigned i = 0; i < memory_count; ++i)
        if (memory[i].read) return true;
    return false;
}
bool Effects::writes_memory() const {
    for (unsigned i = 0; i < memory_count; ++i)
        if (memory[i].written) return true;
    return false;
}

Effects effects(const Insn& insn) {
    return Builder(insn).build();
}

bool is_relative(const Insn& insn) {
    return insn.operand_count > 0 && insn.operands[0].kind == OperandKind::Relative;
}

u64 relative_target(const Insn& insn, u64 address) {
    const u64 target = address + insn.length + static_cast<u64>(insn.imm);
    return insn.mode_bits == 64 ? target : insn.opsize == 2 ? target & 0xffff : target & 0xffff'ffff;
}

}  // namespace orrery
