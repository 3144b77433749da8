// QEMU's firmware configuration device: the machine's size and whatever files it was given, for the guest to
// read (QEMU 7.2, docs/specs/fw_cfg.rst). `--device fw_cfg` adds it.
//
//   510  word   selects an item; a byte read from 510 or 511 is the item's next, 0 behind its end
//   514  dword  reads "QEMU"; written: bits 63-32 of the address of a transfer, big-endian
//   518  dword  reads " CFG"; written: bits 31-0 of it, and the transfer is done
//
// A transfer is {control, length: 32 bits; address: 64 bits}, big-endian; control: 1 error, 2 read, 4 skip,
// 8 select the item of bits 31-16, 10H write. It is cleared when the transfer is done, or set to 1.
//
// Items: 0 "QEMU" · 1 features · 3 RAM size · 4 no graphics · 5 CPUs · F CPUs at most · B, 12 the initrd
// (or first module) · 13-15 the command line · 19 the directory of files · 20 and up the files, in the order
// of their names ("etc/e820", those of the command line) · 8003 the E820 table. Nothing in it can be written.
#pragma once

#include <map>

#include "devices/test_devices.h"
#include "emulator/core/bus/bus.h"
#include "emulator/core/bus/device.h"

namespace orrery {

class FwCfg : public Device {
  public:
    static constexpr u16 kSelector = 0x510, kDma = 0x514;
    static constexpr u16 kPorts = 2, kDmaPorts = 8;
    static constexpr size_t kNameLength = 55;

    enum Item : u16 {
        kSignature = 0x00,
        kFeatures = 0x01,
        kRamSize = 0x03,
        kNoGraphics = 0x04,
        kCpus = 0x05,
        kInitrdSize = 0x0b,
        kMaxCpus = 0x0f,
        kInitrdData = 0x12,
        kCommandLineAddress = 0x13,
        kCommandLineSize = 0x14,
        kCommandLineData = 0x15,
        kDirectory = 0x19,
        kFirstFile = 0x20,
        kE820 = 0x8003,
    };

    // `files` in any order; names are unique and of kNameLength bytes at most.
    FwCfg(Bus& bus, unsigned cpus, std::vector<FwCfgFile> files);

    // What the loader has loaded, as items (machine's start; state from then on).
    void set_command_line(const std::string& text, u32 address);
    void set_initrd(std::vector<u8> bytes);
    // The table of memory, as items and as "etc/e820".
    void set_e820(const std::vector<u8>& table);

    std::string_view name() const override { return "fw_cfg"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;

  private:
    using Bytes = std::vector<u8>;
    const Bytes* selected() const;
    void select(u16 item);
    u8 next_byte();
    void transfer(u64 at);
    bool move(bool read, bool write, u64 address, u32 length);
    void list_files();

    Bus& bus_;
    std::map<std::string, Bytes> files_;
    std::map<u16, Bytes> items_;
    u16 item_ = 0;
    u32 offset_ = 0;
    u32 dma_high_ = 0;
};

}  // namespace orrery
