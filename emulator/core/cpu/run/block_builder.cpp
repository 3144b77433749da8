#include "emulator/core/cpu/run/block_builder.h"

#include <vector>

#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/flag_liveness.h"
#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/run/memory.h"
#include "emulator/core/cpu/run/privilege.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/run/tell_path.h"
#include "emulator/isa/row.h"

namespace orrery {

namespace {

// A block that ends without a branch goes on with the one after it.
void op_fall_through(Cpu* c, const Op*) {
    ORRERY_FOLLOW_LINK(c, 1);
}

void op_fall_through_legacy(Cpu* c, const Op* op) {
    const u64 next = wrap_rip(c, rip_of(c, op));
    account_block(c, c->block);
    c->rip_slot = next;
    c->pending_link = nullptr;
    ORRERY_LEAVE(c);
}

void op_undefined(Cpu* c, const Op* op) {
    if (c->env.observers->wants(EventKind::UnknownInsn))
        emit(c, op, event::UnknownInsn{rip_of(c, op) + c->seg_base[kCs]});
    raise(c, op, Vector::UD);
}

// Not there in real and virtual-8086 mode (attribute NotReal).
void op_not_real(Cpu* c, const Op* op) {
    raise(c, op, Vector::UD);
}

void op_too_long(Cpu* c, const Op* op) {
    raise_error(c, op, Vector::GP, 0);
}

class Builder {
  public:
    Builder(Cpu& cpu, std::span<const u8> bytes, u64 physical, u64 second_page, u32 key)
        : cpu_(cpu), bytes_(bytes), physical_(physical), second_page_(second_page), key_(key) {}

    BuiltBlock build() {
        const unsigned limit = (key_ & key::kSingle) != 0 ? 1 : kMaxBlockInstructions;
        static thread_local Insn
            insns[kMaxBlockInstructions];  // kept: making them takes longer than decoding
        bool dead_flags[kMaxBlockInstructions];
        unsigned decoded = 0, bytes = 0;
        bool open = true;
        DecodeStatus status = DecodeStatus::Ok;
        while (open && decoded < limit) {
            Insn& insn = insns[decoded];
            status = decode(bytes_.subspan(bytes), mode_of(key_), cpu_.features, insn);
            if (status != DecodeStatus::Ok) break;
            open = !is_branch(insn.row->flow) && !insn.row->has(row_words::EndsBlock);
            bytes += insn.length;
            ++decoded;
        }
        if (decoded == 0 && status == DecodeStatus::NeedMoreBytes) return {};
        find_dead_flags({insns, decoded}, {dead_flags, decoded});
        for (unsigned i = 0; i < decoded; ++i) add(insns[i], dead_flags[i]);
        if (status != DecodeStatus::Ok && status != DecodeStatus::NeedMoreBytes)
            add_fault(status, insns[decoded].length);
        else if (open)
            add_fall_through();
        return finish();
    }

  private:
    Op& append(unsigned length) {
        Op op{};
        op.offset = static_cast<u16>(offset_);
        op.number = static_cast<u8>(instructions_);
        op.cycles = static_cast<u16>(cycles_);
        op.length = length & 15;
        ops_.push_back(op);
        return ops_.back();
    }

    // Who is told of an instruction may want the boundary after it: no flags are dead then.
    bool told() const { return (key_ & key::kTold) != 0; }

    void add_told(const Insn& insn) {
        lower_told(insn, bytes_.subspan(offset_, insn.length), append(insn.length));
        if (cpu_.path_model == nullptr) return;
        for (unsigned at = offset_; at < offset_ + insn.length; ++at) {
            const u64 in_page = (physical_ & (kPageSize - 1)) + at;
            const u64 line = (in_page < kPageSize ? physical_ + at : second_page_ + in_page - kPageSize) &
                             ~(PathModel::kLine - 1);
            if (line == fetch_line_) continue;
            fetch_line_ = line;
            lower_fetch_line(line, append(insn.length));
        }
    }

    void add(const Insn& insn, bool dead_flags) {
        if (told()) add_told(insn);
        const bool missing = insn.row->has(row_words::NotReal) && (key_ & key::kProtected) == 0;
        const Handler check = missing ? op_not_real : privilege_check(insn.row->privilege, key_);
        if (check != nullptr) append(insn.length).fn = check;
        if (needs_address_op(insn)) lower_address(insn, append(insn.length));
        Op& op = append(insn.length);
        lower(insn, op);
        selector_of(insn.row_id)(insn, key_ | (dead_flags && !told() ? key::kFlagsDead : 0), op);
        accesses_ += op.accesses;
        const u32 cost = cpu_.env.core->instruction(insn);
        for (unsigned i = 0; i < insn.operand_count; ++i)
            if (insn.operands[i].kind == OperandKind::Relative)
                link_[0].delta = offset_ + insn.length + insn.imm;
        count(insn.length, cost);
    }

    void add_fault(DecodeStatus status, unsigned length) {
        append(length).fn = status == DecodeStatus::TooLong ? op_too_long : op_undefined;
        count(length != 0 ? length : 1, 1);
    }

    void count(unsigned length, u32 cost) {
        offset_ += length;
        ++instructions_;
        cycles_ += cost;
    }

    void add_fall_through() {
        append(0).fn = mode_of(key_) == CpuMode::Bits64 ? op_fall_through : op_fall_through_legacy;
    }

    BuiltBlock finish() {
        BuiltBlock built;
        built.block = std::make_unique<Block>();
        Block& block = *built.block;
        const u64 page_offset = physical_ & (kPageSize - 1);
        block.page_offset = static_cast<u16>(page_offset);
        block.bytes = static_cast<u16>(offset_);
        block.mode = key_;
        block.instructions = instructions_;
        block.cycles = cycles_;
        block.accesses = accesses_;
        block.op_count = static_cast<u32>(ops_.size());
        link_[1].delta = offset_;
        for (unsigned i = 0; i < 2; ++i) {
            block.link[i] = link_[i];
            block.link[i].crosses_page = (static_cast<i64>(page_offset) + link_[i].delta) >> 12 != 0;
        }
        built.ops = std::make_unique<Op[]>(ops_.size() + 1);
        std::copy(ops_.begin(), ops_.end(), built.ops.get());
        block.ops = built.ops.get();
        return built;
    }

    Cpu& cpu_;
    std::span<const u8> bytes_;
    u64 physical_;
    u64 second_page_;  // of bytes beyond the first page
    u32 key_;
    std::vector<Op> ops_;
    Link link_[2];
    unsigned offset_ = 0;
    unsigned instructions_ = 0;
    u32 cycles_ = 0;
    u32 accesses_ = 0;
    u64 fetch_line_ = ~u64{0};  // of the byte before offset_
};

}  // namespace

BuiltBlock build_block(Cpu& cpu, std::span<const u8> bytes, u64 physical, u32 key) {
    return Builder(cpu, bytes, physical, 0, key).build();
}

BuiltBlock build_crossing(Cpu& cpu, std::span<const u8> bytes, u64 physical, u64 second_page, u32 key) {
    return Builder(cpu, bytes, physical, second_page, key | key::kSingle).build();
}

}  // namespace orrery
