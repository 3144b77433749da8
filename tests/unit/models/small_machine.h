// A machine of 16 MiB in 64-bit mode with a few pages and a few instructions: what the models' tests look at.
//
//   linear 0 to 2 MiB   one 2 MiB page, the kernel's
//   0x400000            user, read and execute     (physical 0x200000)
//   0x401000            user, read and write, NX   (physical 0x201000)
//   0x402000            not present
//
// With several CPUs all of them run the same code, each with a stack of its own.
#pragma once

#include <cstring>
#include <initializer_list>

#include "emulator/inspect/models/context.h"
#include "emulator/machine/machine.h"

namespace orrery::test {

class SmallMachine {
  public:
    static constexpr u64 kCode = 0x1'0000, kFunction = 0x1'0020, kStack = 0x8'0000;

    explicit SmallMachine(unsigned cpus = 1, const MakeCore& make_core = {})
        : machine(config(cpus), make_core) {
        put(0x1000, 0x2027);                 // PML4[0]
        put(0x2000, 0x3027);                 // PDPT[0]
        put(0x3000, 0xe3);                   // PD[0]: 2 MiB at 0, P RW A D PS
        put(0x3010, 0x4027);                 // PD[2]
        put(0x4000, 0x20'0025);              // PT[0]: P US A
        put(0x4008, 0x8000'0000'0020'1067);  // PT[1]: P RW US A D NX
        // call function; inc rax; inc rax; jmp to the first inc
        write(kCode, {0xe8, 0x1b, 0, 0, 0, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xeb, 0xf8});
        // function: push rbx; mov ecx, 3; again: dec ecx; jne again; pop rbx; ret
        write(kFunction, {0x53, 0xb9, 3, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0x5b, 0xc3});
        for (unsigned i = 0; i < cpus; ++i) set_up(machine.cpu(i));
    }

    void put(u64 physical, u64 value) { machine.bus().dma_write(physical, &value, sizeof value); }
    void write(u64 physical, std::initializer_list<unsigned> bytes) {
        for (const unsigned byte : bytes) machine.bus().write(physical++, 1, byte);
    }
    ModelContext context() { return ModelContext{machine}; }

    Machine machine;

  private:
    static void set_up(Cpu& cpu) {
        cpu.cr0 = cr0::kPe | cr0::kMp | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kPg;
        cpu.cr3 = 0x1000;
        cpu.cr4 = cr4::kPae | cr4::kPge | cr4::kOsfxsr | cr4::kSmep | cr4::kSmap;
        cpu.msr.efer = efer::kSce | efer::kLme | efer::kLma | efer::kNxe;
        cpu.seg[kCs] = segment(0x10, 0xa09b);
        cpu.seg[kSs] = segment(0x18, 0xc093);
        for (const SegmentIndex index : {kDs, kEs, kFs, kGs}) cpu.seg[index] = Segment{};
        cpu.rip() = kCode;
        cpu.gpr[kRsp] = kStack - cpu.id * 0x1000;
        cpu.set_rflags(2);
        cpu.activity = Activity::Running;
        cpu.update_mode();
    }
    static MachineConfig config(unsigned cpus) {
        MachineConfig config;
        config.cpus = cpus;
        config.ram_size = u64{16} << 20;
        config.clock = ClockMode::InstructionCount;
        return config;
    }
    static Segment segment(u16 selector, u16 access) {
        Segment result;
        result.selector = selector;
        result.limit = 0xffff'ffff;
        result.access = access;
        return result;
    }
};

}  // namespace orrery::test
