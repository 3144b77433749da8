#include "emulator/core/smp/interleaver.h"

#include <bit>

namespace orrery {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
u64 Interleaver::draw() {
    random_ += 0x9e37'79b9'7f4a'7c15;
    u64 z = random_;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
}

// Lengths of all magnitudes, since bugs hide between any two instructions: one turn in sixteen is of 1 to 64
// instructions, the others of 512 to 16,383, spread evenly over the powers of two.
u64 Interleaver::draw_length() {
    const u64 value = draw();
    if (value % 16 == 0) return 1 + (value >> 8) % 64;
    const u64 power = u64{512} << (value >> 4) % 5;
    return power + (value >> 8) % power;
}

void Interleaver::reset(u64 seed) {
    current_ = 0;
    sharing_ = 1;
    end_ = kNoEnd;
    random_ = seed;
}

void Interleaver::begin(u64 now, u32 ready) {
    sharing_ = static_cast<unsigned>(std::popcount(ready));
    if (sharing_ > 1) {
        ready &= ~(u32{1} << current_);
        for (u64 skip = draw() % static_cast<unsigned>(std::popcount(ready)); skip > 0; --skip)
            ready &= ready - 1;
    }
    current_ = static_cast<unsigned>(std::countr_zero(ready));
    end_ = sharing_ > 1 ? now + draw_length() : kNoEnd;
}

void Interleaver::visit(Archive& archive) {
    archive.field("current", current_);
    archive.field("sharing", sharing_);
    archive.field("end", end_);
    archive.field("random", random_);
    if (archive.loading() && (current_ >= cpus_ || sharing_ == 0 || sharing_ > cpus_))
        throw ArchiveError("snapshot: its CPUs are not this machine's");
}

}  // namespace orrery
