// The board: every device of the machine, made, wired and named in one place.
//
//   interrupts   ISA lines 0-15 go to the 8259 pair and to the IOAPIC (line 0 to its input 2); the 8259's
//   INTR goes to
//                LINT0 of every CPU and to IOAPIC input 0; PCI INTx go to inputs 16-19 (and by PIIX3's
//                registers to ISA lines), HPET timers to 20-23, active low; ACPI's SCI is line 9, level,
//                active high
//   memory       FEC00000 IOAPIC, FED00000 HPET, FEE00000 local APICs, C0000000 PCI configuration space, BARs
//   above
//                D0000000
//   ports        each device's header names its own
//
// Callbacks are called in the middle of a guest's instruction: take note, and act at the instruction's end.
// Order of use: make the board; connect_cpu() for each CPU; reset(); then load a guest (emulator/machine/boot).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "devices/acpi_pm.h"
#include "devices/apic_bus.h"
#include "devices/fpu_error.h"
#include "devices/hpet.h"
#include "devices/i8042.h"
#include "devices/i8259.h"
#include "devices/ioapic.h"
#include "devices/irq_router.h"
#include "devices/isa_debug_exit.h"
#include "devices/lapic.h"
#include "devices/lapic_page.h"
#include "devices/mc146818.h"
#include "devices/pci_host.h"
#include "devices/pit8254.h"
#include "devices/post_port.h"
#include "devices/system_control.h"
#include "devices/test_device_set.h"
#include "devices/uart16550.h"
#include "devices/vga_std.h"
#include "devices/virtio_blk.h"
#include "devices/virtio_console.h"
#include "devices/virtio_net.h"
#include "devices/virtio_rng.h"

namespace orrery {

/// The serial console, COM1, by its Device::name().
inline constexpr const char* kSerialConsole = "uart16550.0";

struct PcConfig {
    static constexpr unsigned kMaxCpus = 8;
    static constexpr unsigned kSerialPorts = 4;
    static constexpr u16 kSerialBases[kSerialPorts] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static constexpr unsigned kMaxDisks = 8;

    unsigned cpus = 1;
    u64 seed = 0;
    i64 rtc_base = 1'704'067'200;  // seconds since 1970 at power-on: 2024-01-01T00:00:00Z
    // The serial ports' input clock: 64 times the PC's, so that "115200 baud" carries a byte in 1.4 µs of
    // virtual time.
    u64 uart_clock_hz = 64 * Uart16550::kPcClock;
    unsigned serial_ports = 1;  // COM1 and up
    std::array<OutputSink*, kSerialPorts> serial{};
    OutputSink* virtio_console = nullptr;
    std::vector<std::shared_ptr<Disk>> disks;  // virtio_blk.0 and up, at most kMaxDisks
    NetConfig network;                         // virtio_net.0
    DisplayConfig display;                     // vga_std

    TestDevices test_devices;

    std::function<void()> on_power_off = [] {};
    std::function<void()> on_reset = [] {};
    std::function<void(u32 status)> on_debug_exit = [](u32) {};  // the exit status: (v << 1) | 1
    std::function<void(bool)> on_a20 = [](bool) {};
    std::function<void()> on_ignne = [] {};  // the first CPU is to ignore its x87 error
};

class PcBoard {
  public:
    PcBoard(Bus& bus, EventQueue& events, const PcConfig& config);
    PcBoard(const PcBoard&) = delete;
    PcBoard& operator=(const PcBoard&) = delete;

    unsigned cpus() const { return static_cast<unsigned>(lapics_.size()); }
    void connect_cpu(unsigned cpu, CpuPort& port) { lapics_[cpu]->connect(port); }
    LocalInterrupts& local_interrupts(unsigned cpu) { return *lapics_[cpu]; }
    // To be called before a CPU runs: the local APIC's page is then that CPU's.
    void select_cpu(unsigned cpu) { lapic_page_.select(cpu); }
    // TSC - ticks of a CPU, whenever it changes (TSC-deadline timer).
    void set_tsc_offset(unsigned cpu, u64 offset) { lapics_[cpu]->set_tsc_offset(offset); }

    // Power-on state of everything but what disks hold; the wires idle.
    void reset();
    // The disks as their images are; reset().
    void power_on();
    // Everything but the bus and the event queue, which the machine visits itself.
    void visit(Archive& archive);

    // By Device::name(): "uart16550.0", "i8042", "virtio_console.0", …; nullptr if there is none. This is
    // also the way for logged input: find(name)->input(bytes).
    Device* find(std::string_view name) const;
    const std::vector<Device*>& devices() const { return devices_; }

    Lapic& lapic(unsigned cpu) { return *lapics_[cpu]; }
    Uart16550& uart(unsigned index) { return *uarts_[index]; }
    I8259& pic() { return pic_; }
    Ioapic& ioapic() { return ioapic_; }
    Pit8254& pit() { return pit_; }
    Mc146818& rtc() { return rtc_; }
    Hpet& hpet() { return hpet_; }
    AcpiPm& acpi_pm() { return acpi_pm_; }
    FpuErrorLatch& fpu_error() { return fpu_error_; }
    I8042& keyboard() { return i8042_; }
    PciHost& pci() { return pci_host_; }
    VirtioConsole& virtio_console() { return virtio_console_; }
    VirtioRng& virtio_rng() { return virtio_rng_; }
    VgaStd* display() { return display_.get(); }     // nullptr: none
    VirtioNet* network() { return network_.get(); }  // nullptr: no card
    const std::vector<std::unique_ptr<VirtioBlk>>& disks() const { return disks_; }
    // nullptr if the machine was not asked to have one.
    FwCfg* fw_cfg() const { return test_devices_.fw_cfg(); }
    ApicBus& apic_bus() { return apic_bus_; }
    const PcConfig& config() const { return config_; }

  private:
    // The 8259's INTR, as LINT0 of every CPU.
    class Lint0 : public IrqSink {
      public:
        explicit Lint0(std::vector<std::unique_ptr<Lapic>>& lapics) : lapics_(lapics) {}
        void set_irq(unsigned cpu, bool level) override { lapics_[cpu]->set_lint(0, level); }

      private:
        std::vector<std::unique_ptr<Lapic>>& lapics_;
    };
    void make_lapics();
    void make_wires();
    IrqLine isa_line(unsigned line) { return router_.connect(isa_wires_[line]); }
    Hpet::Lines hpet_lines();
    TestDeviceSet::Lines test_lines();
    VirtioPci::Wires pci_wires(unsigned slot);
    void map_ports();
    void list_devices();

    Bus& bus_;
    EventQueue& events_;
    PcConfig config_;
    std::array<unsigned, 16> isa_wires_{};
    std::array<unsigned, 8> gsi_wires_{};  // 16-23

    IrqRouter router_;
    PirqRouter pirq_;
    ApicBus apic_bus_;
    I8259 pic_;
    Ioapic ioapic_;
    LapicPage lapic_page_;
    std::vector<std::unique_ptr<Lapic>> lapics_;
    Lint0 lint0_;
    bool wired_;  // orders the wiring before the devices that take lines
    IrqLine pit_line_;
    IrqLine rtc_line_;
    Pit8254 pit_;
    Mc146818 rtc_;
    Hpet hpet_;
    AcpiPm acpi_pm_;
    I8042 i8042_;
    SystemControl system_control_;
    FpuErrorLatch fpu_error_;
    IsaDebugExit debug_exit_;
    PostPort post_port_;
    std::vector<std::unique_ptr<Uart16550>> uarts_;
    PciHost pci_host_;
    VirtioConsole virtio_console_;
    VirtioRng virtio_rng_;
    std::vector<std::unique_ptr<VirtioBlk>> disks_;
    std::unique_ptr<VirtioNet> network_;
    TestDeviceSet test_devices_;
    std::unique_ptr<VgaStd> display_;
    std::vector<Device*> devices_;
};

}  // namespace orrery
