#include "devices/pc_board.h"

#include <algorithm>
#include <stdexcept>

namespace orrery {

namespace {

constexpr unsigned kTimerLine = 0, kKeyboardLine = 1, kRtcLine = 8, kSciLine = 9, kMouseLine = 12,
                   kFpuLine = 13;
constexpr unsigned kConsoleSlot = 2, kRngSlot = 3, kFirstDiskSlot = 4, kNetworkSlot = 12, kDisplaySlot = 13;
constexpr unsigned kSerialLine[] = {4, 3, 4, 3};

PcConfig checked(const PcConfig& config) {
    if (config.cpus == 0 || config.cpus > PcConfig::kMaxCpus)
        throw std::invalid_argument("the machine has 1 to " + std::to_string(PcConfig::kMaxCpus) + " CPUs");
    if (config.serial_ports > PcConfig::kSerialPorts)
        throw std::invalid_argument("the machine has up to 4 serial ports");
    if (config.disks.size() > PcConfig::kMaxDisks)
        throw std::invalid_argument("the machine has up to 8 disks");
    return config;
}

}  // namespace

PcBoard::PcBoard(Bus& bus, EventQueue& events, const PcConfig& config)
    : bus_(bus),
      events_(events),
      config_(checked(config)),
      ioapic_(apic_bus_),
      lapic_page_(bus),
      lint0_(lapics_),
      wired_((make_lapics(), make_wires(), true)),
      pit_line_(isa_line(kTimerLine)),
      rtc_line_(isa_line(kRtcLine)),
      pit_(events, pit_line_),
      rtc_({config_.rtc_base, bus.ram_size(), std::min(bus.ram_size(), kPciHoleStart), config_.cpus}, events,
           rtc_line_),
      hpet_(events, hpet_lines(), apic_bus_,
            [this](bool legacy) {
                router_.block(pit_line_, legacy);
                router_.block(rtc_line_, legacy);
            }),
      acpi_pm_(events, isa_line(kSciLine), true, config_.on_power_off),
      i8042_(events, {isa_line(kKeyboardLine), isa_line(kMouseLine)}, config_.on_reset, config_.on_a20),
      system_control_(config_.on_reset, config_.on_a20),
      fpu_error_(isa_line(kFpuLine), config_.on_ignne),
      debug_exit_(config_.on_debug_exit),
      pci_host_(bus, pirq_),
      virtio_console_("virtio_console.0", bus, pci_wires(kConsoleSlot), config_.virtio_console),
      virtio_rng_("virtio_rng.0", bus, pci_wires(kRngSlot), config_.seed),
      test_devices_(bus, config_.test_devices, config_.cpus, test_lines()) {
    for (unsigned i = 0; i < config_.serial_ports; ++i)
        uarts_.push_back(std::make_unique<Uart16550>("uart16550." + std::to_string(i),
                                                     PcConfig::kSerialBases[i], config_.uart_clock_hz, events,
                                                     isa_line(kSerialLine[i]), config_.serial[i]));
    pci_host_.attach(kConsoleSlot, virtio_console_);
    pci_host_.attach(kRngSlot, virtio_rng_);
    for (unsigned i = 0; i < config_.disks.size(); ++i) {
        disks_.push_back(std::make_unique<VirtioBlk>(
            "virtio_blk." + std::to_string(i), bus, pci_wires(kFirstDiskSlot + i), events, config_.disks[i]));
        pci_host_.attach(kFirstDiskSlot + i, *disks_.back());
    }
    if (config_.network.present) {
        network_ = std::make_unique<VirtioNet>("virtio_net.0", bus, pci_wires(kNetworkSlot), config_.network);
        pci_host_.attach(kNetworkSlot, *network_);
    }
    if (config_.display.present) {
        display_ = std::make_unique<VgaStd>("vga_std", bus);
        pci_host_.attach(kDisplaySlot, *display_);
    }
    map_ports();
    test_devices_.map(bus_, config_.test_devices, debug_exit_);
    list_devices();
    reset();
}

void PcBoard::make_lapics() {
    for (unsigned id = 0; id < config_.cpus; ++id) {
        lapics_.push_back(
            std::make_unique<Lapic>(id, events_, apic_bus_, [this] { return pic_.acknowledge(); }));
        lapic_page_.add(*lapics_.back());
    }
}

void PcBoard::make_wires() {
    for (unsigned line = 0; line < 16; ++line) {
        if (line == 2) continue;  // the cascade
        const unsigned gsi = line == kTimerLine ? 2 : line;
        isa_wires_[line] = router_.add_wire({{&pic_, line}, {&ioapic_, gsi}});
    }
    for (unsigned i = 0; i < gsi_wires_.size(); ++i) {
        std::vector<IrqRouter::Output> outputs = {{&ioapic_, PciHost::kFirstGsi + i, true}};
        if (i < PirqRouter::kPins) outputs.push_back({&pirq_, i});
        gsi_wires_[i] = router_.add_wire(std::move(outputs));
    }
    for (unsigned line = 0; line < 16; ++line)
        if (PirqRouter::may_go_to(line)) pirq_.connect(line, isa_line(line));
    std::vector<IrqRouter::Output> intr = {{&ioapic_, 0}};
    for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) intr.push_back({&lint0_, cpu});
    pic_.connect_intr(router_.connect(router_.add_wire(std::move(intr))));
}

Hpet::Lines PcBoard::hpet_lines() {
    Hpet::Lines lines;
    lines.legacy0 = isa_line(kTimerLine);
    lines.legacy8 = isa_line(kRtcLine);
    for (auto& timer : lines.routes)
        for (unsigned route = 0; route < Hpet::kRoutes; ++route)
            timer[route] = router_.connect(gsi_wires_[Hpet::kFirstRoute - PciHost::kFirstGsi + route]);
    return lines;
}

// Every line of the board once more, for a test device to drive.
TestDeviceSet::Lines PcBoard::test_lines() {
    TestDeviceSet::Lines lines;
    if (!config_.test_devices.pc_testdev) return lines;
    for (unsigned line = 0; line < lines.size(); ++line) {
        if (line == 2) continue;  // the cascade
        lines[line] = line < 16 ? isa_line(line) : router_.connect(gsi_wires_[line - PciHost::kFirstGsi]);
    }
    return lines;
}

VirtioPci::Wires PcBoard::pci_wires(unsigned slot) {
    const unsigned gsi = PciHost::gsi_of(slot, 0);
    return {router_.connect(gsi_wires_[gsi - PciHost::kFirstGsi]), &apic_bus_};
}

void PcBoard::map_ports() {
    for (u16 port : {0x20, 0xa0, 0x4d0}) bus_.map_io(port, 2, pic_);
    bus_.map_io(0x40, 4, pit_);
    bus_.map_io(0x61, 1, pit_);
    bus_.map_io(0x60, 1, i8042_);
    bus_.map_io(0x64, 1, i8042_);
    bus_.map_io(0x70, 2, rtc_);
    bus_.map_io(SystemControl::kFastPort, 1, system_control_);
    bus_.map_io(SystemControl::kResetPort, 1, system_control_);
    bus_.map_io(IsaDebugExit::kPort, 4, debug_exit_);
    bus_.map_io(PostPort::kPort, 1, post_port_);
    bus_.map_io(FpuErrorLatch::kPort, 2, fpu_error_);
    bus_.map_io(AcpiPm::kBase, AcpiPm::kPorts, acpi_pm_);
    bus_.map_io(0xcf8, 1, pci_host_);
    bus_.map_io(0xcfc, 4, pci_host_);
    if (display_) bus_.map_io(VgaStd::kIndexPort, 2, *display_);
    for (size_t i = 0; i < uarts_.size(); ++i) bus_.map_io(PcConfig::kSerialBases[i], 8, *uarts_[i]);
    bus_.map_mmio(Ioapic::kBase, 0x1000, ioapic_);
    bus_.map_mmio(Hpet::kBase, Hpet::kLength, hpet_);
    bus_.map_mmio(PciHost::kEcamBase, PciHost::kEcamLength, pci_host_);
}

// The order of visits. The interrupt controllers come last in reset(), after all that drives them.
void PcBoard::list_devices() {
    devices_ = {&pit_,       &rtc_,        &hpet_,     &acpi_pm_, &i8042_, &system_control_,
                &fpu_error_, &debug_exit_, &post_port_};
    for (const auto& uart : uarts_) devices_.push_back(uart.get());
    for (Device* device : std::initializer_list<Device*>{&pci_host_, &virtio_console_, &virtio_rng_})
        devices_.push_back(device);
    for (const auto& disk : disks_) devices_.push_back(disk.get());
    if (network_) devices_.push_back(network_.get());
    for (Device* device : test_devices_.devices()) devices_.push_back(device);
    if (display_) devices_.push_back(display_.get());
    for (Device* device : std::initializer_list<Device*>{&pic_, &ioapic_, &lapic_page_})
        devices_.push_back(device);
}

void PcBoard::reset() {
    router_.reset();
    for (Device* device : devices_) device->reset();
    for (const auto& lapic : lapics_) lapic->reset();
}

void PcBoard::power_on() {
    for (const auto& disk : disks_) disk->disk().power_on();
    reset();
}

void PcBoard::visit(Archive& archive) {
    archive.field("router", router_);
    for (Device* device : devices_) {
        archive.begin(device->name());
        device->visit(archive);
        archive.end();
    }
    for (const auto& lapic : lapics_) archive.field("lapic", *lapic);
}

Device* PcBoard::find(std::string_view name) const {
    for (Device* device : devices_)
        if (device->name() == name) return device;
    return nullptr;
}

}  // namespace orrery
