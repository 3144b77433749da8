#include "devices/irq_router.h"

namespace orrery {

unsigned IrqRouter::add_wire(std::vector<Output> outputs) {
    wires_.push_back({std::move(outputs), 0});
    drive(wires_.back());
    return static_cast<unsigned>(wires_.size() - 1);
}

IrqLine IrqRouter::connect(unsigned wire) {
    sources_.push_back({wire});
    return {this, static_cast<unsigned>(sources_.size() - 1)};
}

void IrqRouter::drive(const Wire& wire) {
    const bool asserted = wire.drivers != 0;
    for (const Output& output : wire.outputs)
        output.sink->set_irq(output.line, asserted != output.active_low);
}

void IrqRouter::change(Source& source, bool level, bool blocked) {
    const bool before = source.level && !source.blocked;
    const bool now = level && !blocked;
    source.level = level;
    source.blocked = blocked;
    if (before == now) return;
    Wire& wire = wires_[source.wire];
    const bool was_asserted = wire.drivers != 0;
    wire.drivers += now ? 1 : ~u32{0};
    if (was_asserted != (wire.drivers != 0)) drive(wire);
}

void IrqRouter::set_irq(unsigned source, bool level) {
    change(sources_[source], level, sources_[source].blocked);
}

void IrqRouter::block(const IrqLine& source, bool blocked) {
    change(sources_[source.line], sources_[source.line].level, blocked);
}

void IrqRouter::reset() {
    for (Source& source : sources_) source.level = source.blocked = false;
    for (Wire& wire : wires_) {
        wire.drivers = 0;
        drive(wire);
    }
}

void IrqRouter::visit(Archive& archive) {
    for (Wire& wire : wires_) archive.field("drivers", wire.drivers);
    for (Source& source : sources_) {
        archive.field("level", source.level);
        archive.field("blocked", source.blocked);
    }
}

}  // namespace orrery
