// Damaged snapshots: a good one with some bytes changed, or cut short. It loads, and then the machine runs
// and can be saved again; or it is refused by an ArchiveError.
#include "emulator/machine/machine.h"
#include "tests/fuzz/target.h"

namespace orrery::fuzz {

namespace {

MachineConfig config() {
    MachineConfig made;
    made.ram_size = 2 << 20;
    return made;
}

std::vector<u8> good_snapshot() {
    Machine machine(config());
    // A loop at 1000H, in real mode: something for a loaded machine to do.
    const u8 code[] = {0x40, 0xe4, 0x80, 0xf3, 0xab, 0xeb, 0xf9};
    machine.bus().dma_write(0x1000, code, sizeof code);
    machine.cpu().seg[1].selector = 0;
    machine.cpu().seg[1].base = 0;
    machine.cpu().rip() = 0x1000;
    machine.cpu().update_mode();
    return machine.save_snapshot();
}

void run(std::span<const u8> data) {
    static const std::vector<u8> good = good_snapshot();
    std::vector<u8> bad = good;
    Input input(data);
    const u8 how = input.take<u8>();
    if ((how & 1) != 0) bad.resize(input.take<u32>() % bad.size());
    while (!input.done() && !bad.empty()) {
        // Near the last change, or anywhere.
        const u32 at = input.take<u32>();
        bad[at % bad.size()] = input.take<u8>();
    }
    Machine machine(config());
    try {
        machine.load_snapshot(bad);
    } catch (const ArchiveError&) {
        return;
    }
    RunLimits limits;
    limits.instructions = machine.moment().instructions + 500;
    limits.ticks = machine.moment().ticks + 1'000'000;
    if ((how & 2) != 0) machine.run(limits);
    machine.save_snapshot();
}

const Target target("snapshot", run);

}  // namespace

}  // namespace orrery::fuzz
