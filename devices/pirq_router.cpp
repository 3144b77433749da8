#include "devices/pirq_router.h"

namespace orrery {

void PirqRouter::drive() {
    u32 wanted = 0;
    for (unsigned pin = 0; pin < kPins; ++pin)
        if (asserted_[pin] && (routes_[pin] & kOff) == 0) wanted |= u32{1} << (routes_[pin] & 15);
    for (unsigned line = 0; line < lines_.size(); ++line)
        if (may_go_to(line)) lines_[line].set((wanted >> line & 1) != 0);
}

void PirqRouter::set_irq(unsigned pin, bool asserted) {
    asserted_[pin] = asserted;
    drive();
}

void PirqRouter::route(unsigned pin, u8 value) {
    routes_[pin] = value;
    drive();
}

void PirqRouter::reset() {
    asserted_.fill(false);
    routes_.fill(kOff);
    drive();
}

void PirqRouter::visit(Archive& archive) {
    archive.field("asserted", asserted_);
    archive.field("routes", routes_);
}

IsaBridge::IsaBridge(std::string name, Bus& bus, PirqRouter& router)
    : PciFunction(std::move(name), bus, {0x8086, 0x7000, 0x060100, 0, 0x1af4, 0x1100}), router_(router) {
    set_config(kFirstRoute, 4, 0x80808080, 0x8f8f8f8f);
}

void IsaBridge::reset() {
    PciFunction::reset();
    router_.reset();
}

void IsaBridge::config_written(unsigned offset, unsigned size) {
    for (unsigned pin = 0; pin < PirqRouter::kPins; ++pin)
        if (offset <= kFirstRoute + pin && kFirstRoute + pin < offset + size)
            router_.route(pin, config_byte(kFirstRoute + pin));
}

void IsaBridge::visit(Archive& archive) {
    PciFunction::visit(archive);
    archive.field("router", router_);
}

}  // namespace orrery
