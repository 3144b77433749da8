#include "emulator/core/cpu/run/tell_path.h"

#include <cstddef>
#include <cstring>

#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/isa/row.h"

namespace orrery {

namespace {

// An instruction's bytes are kept in its Op, from `disp` to before `scale`; Op::scale: its Path::Kind.
constexpr size_t kRoom = offsetof(Op, scale) - offsetof(Op, disp);
static_assert(kRoom >= kMaxInsnLength);

u64 linear_of(const Cpu* c, u64 rip) {
    const u64 linear = rip + c->seg_base[kCs];
    return c->code64() ? linear : linear & 0xffff'ffff;
}

void tell_stretch(Cpu* c, const Op* op, const Stretch& stretch) {
    if (c->path_model != nullptr) charge(c, op, c->path_model->stretch(stretch));
    if (c->env.observers->wants(EventKind::Stretch))
        emit(c, op,
             event::Stretch{.end = stretch.end,
                            .instructions = static_cast<u8>(stretch.instructions),
                            .bytes = static_cast<u16>(stretch.bytes.size()),
                            .linear = stretch.start,
                            .next = stretch.next});
}

void op_told(Cpu* c, const Op* op) {
    u8 bytes[kRoom];
    std::memcpy(bytes, reinterpret_cast<const u8*>(op) + offsetof(Op, disp), sizeof bytes);
    const auto kind = static_cast<Path::Kind>(op->scale);
    if (const auto ended =
            c->path.begin(linear_of(c, rip_of(c, op)), c->code_mode(), {bytes, op->length}, kind))
        tell_stretch(c, op, *ended);
    ORRERY_NEXT(c, op);
}

void op_fetch_line(Cpu* c, const Op* op) {
    const u64 line = static_cast<u64>(op->disp);
    if (c->path.new_fetch_line(line)) charge(c, op, c->path_model->fetch_line(line));
    ORRERY_NEXT(c, op);
}

Path::Kind path_kind(const Insn& insn) {
    if (is_branch(insn.row->flow)) return Path::kBranch;
    return insn.row->has(row_words::EndsBlock) || insn.row->timing == Timing::Tsc ? Path::kAlone
                                                                                  : Path::kPlain;
}

}  // namespace

void lower_told(const Insn& insn, std::span<const u8> bytes, Op& op) {
    std::memcpy(reinterpret_cast<u8*>(&op) + offsetof(Op, disp), bytes.data(), bytes.size());
    op.scale = path_kind(insn);
    op.fn = op_told;
}

void lower_fetch_line(u64 physical, Op& op) {
    op.disp = static_cast<i64>(physical & ~(PathModel::kLine - 1));
    op.fn = op_fetch_line;
}

void tell_data_lines(Cpu* c, const Op* op, u64 physical, unsigned size, bool write) {
    constexpr u64 kMask = ~(PathModel::kLine - 1);
    for (u64 line = physical & kMask; line <= ((physical + size - 1) & kMask); line += PathModel::kLine)
        if (c->path.new_data_line(line, write)) charge(c, op, c->path_model->data_line(line, write));
}

void cut_path(Cpu* c, bool fault) {
    if ((c->key & key::kTold) != 0) c->path.cut(linear_of(c, c->rip()), fault);
}

}  // namespace orrery
