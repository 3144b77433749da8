#include "arch/x86_64/umip.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/thread.h"
#include "arch/x86_64/traps.h"
#include "core/string.h"
#include "mm/fault.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

constexpr u64 kFakeGdt = 0xfffffffffffe0000, kFakeIdt = 0xffffffffffff0000;
constexpr u64 kLdtSelector = 10 * 8;
constexpr u64 kCr0 = 0x80050033;  // PG AM WP NE ET MP PE

enum class Table : u8 { kSldt, kStr, kSgdt, kSidt, kSmsw };

/// An instruction of two opcode bytes and a ModRM operand (SDM vol. 2, 2.1), as far as these need it.
struct Instruction {
    u8 bytes[15] = {};
    unsigned length = 0, at = 0;
    bool long_mode = false, operand16 = false, address_toggled = false, good = true;
    u8 rex = 0, segment = 0, opcode = 0, modrm = 0;

    u8 next() {
        if (at < length) return bytes[at++];
        good = false;
        return 0;
    }
    template <class T>
    i64 displacement() {
        u64 value = 0;
        for (unsigned i = 0; i < sizeof(T); i++) value |= u64{next()} << 8 * i;
        return static_cast<T>(value);
    }
    unsigned mod() const { return modrm >> 6; }
    unsigned reg() const { return modrm >> 3 & 7; }
    unsigned rm() const { return (modrm & 7) | (rex & 1) << 3; }
    u64 operand_size() const { return rex & 8 ? 8 : operand16 ? 2 : 4; }
};

void read_prefixes(Instruction& in) {
    for (;;) {
        const u8 byte = in.next();
        if (byte == 0x66) {
            in.operand16 = true;
        } else if (byte == 0x67) {
            in.address_toggled = true;
        } else if (byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
                   byte == 0x65) {
            in.segment = byte;
        } else if (byte == 0xf2 || byte == 0xf3) {
            continue;
        } else if (in.long_mode && (byte & 0xf0) == 0x40) {
            in.rex = byte;
            if (in.next() != 0x0f) in.good = false;
            return;
        } else {
            if (byte != 0x0f) in.good = false;
            return;
        }
    }
}

/// A general register by its number in an instruction.
u64* register_of(pt_regs* regs, unsigned number) {
    u64* const order[] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
                          &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                          &regs->r12, &regs->r13, &regs->r14, &regs->r15};
    return order[number];
}

u64 segment_base(const Instruction& in) {
    if (in.segment == 0x64) return rdmsr(kMsrFsBase);
    if (in.segment == 0x65) return rdmsr(kMsrKernelGsBase);
    return 0;  // flat, in every program but one with an LDT
}

/// Addresses of 32 and 64 bits (SDM vol. 2, tables 2-2 and 2-3).
u64 effective_address(Instruction& in, pt_regs* regs) {
    u64 address = 0;
    if ((in.modrm & 7) == 4) {
        const u8 sib = in.next();
        const unsigned index = (sib >> 3 & 7) | (in.rex & 2) << 2, base = (sib & 7) | (in.rex & 1) << 3;
        if (index != 4) address = *register_of(regs, index) << (sib >> 6);
        if ((sib & 7) == 5 && in.mod() == 0)
            address += static_cast<u64>(in.displacement<i32>());
        else
            address += *register_of(regs, base);
    } else if ((in.modrm & 7) == 5 && in.mod() == 0) {
        address = static_cast<u64>(in.displacement<i32>());
        if (in.long_mode) address += regs->rip + in.at;
    } else {
        address = *register_of(regs, in.rm());
    }
    if (in.mod() == 1) address += static_cast<u64>(in.displacement<i8>());
    if (in.mod() == 2) address += static_cast<u64>(in.displacement<i32>());
    if (!in.long_mode || in.address_toggled) address &= 0xffffffff;
    address += segment_base(in);
    return in.long_mode ? address : address & 0xffffffff;
}

/// What the instruction stores, and how much. False: it is none of ours.
bool which(const Instruction& in, Table& table) {
    if (in.opcode == 0x00 && in.reg() <= 1)
        table = in.reg() == 0 ? Table::kSldt : Table::kStr;
    else if (in.opcode == 0x01 && in.reg() == 4)
        table = Table::kSmsw;
    else if (in.opcode == 0x01 && in.reg() <= 1 && in.mod() != 3)
        table = in.reg() == 0 ? Table::kSgdt : Table::kSidt;
    else
        return false;
    return true;
}

u64 value_of(Table table) {
    switch (table) {
        case Table::kSldt:
            return current()->mm->ldt ? kLdtSelector : 0;
        case Table::kStr:
            return TSS_SELECTOR;
        case Table::kSmsw:
            return kCr0;
        case Table::kSgdt:
            return kFakeGdt;
        default:
            return kFakeIdt;
    }
}

}  // namespace

bool fixup_umip_exception(pt_regs* regs) {
    Instruction in;
    const u64 d = regs->cs & 4 ? 0 : descriptor_of(static_cast<u16>(regs->cs));
    in.long_mode = d >> 53 & 1;
    if (!in.long_mode && !(d >> 54 & 1)) return false;  // code of 16 bits, or of an LDT
    in.length =
        sizeof(in.bytes) - static_cast<unsigned>(copy_from_user(in.bytes, regs->rip, sizeof(in.bytes)));
    read_prefixes(in);
    in.opcode = in.next();
    in.modrm = in.next();
    Table table;
    if (!in.good || !which(in, table)) return false;
    const u64 value = value_of(table);
    if (in.mod() == 3) {
        u64* target = register_of(regs, in.rm());
        if (in.operand_size() == 2)
            *target = (*target & ~0xffffull) | (value & 0xffff);
        else
            *target = in.operand_size() == 4 ? value & 0xffffffff : value;
    } else {
        if (!in.long_mode && in.address_toggled) return false;  // addresses of 16 bits
        const u64 address = effective_address(in, regs);
        if (!in.good) return false;
        u8 stored[10] = {};  // a limit of 0, then the base
        u64 size = 2;
        if (table == Table::kSgdt || table == Table::kSidt) {
            size = in.long_mode ? 10 : 6;
            memcpy(stored + 2, &value, sizeof(value));
        } else {
            memcpy(stored, &value, size);
        }
        if (copy_to_user(address, stored, size)) {
            current()->thread.cr2 = address;
            note_trap(14, kPfUser | kPfWrite);
            force_sig_fault(kSigSegv, kSegvMaperr, address);
            return true;
        }
    }
    regs->rip += in.at;
    return true;
}
