// x87 instructions one at a time, in the interpreter and on the host: the same registers, tags, status and
// control words, memory, flags and AX from random starting states, stack faults and unmasked exceptions
// included.
#include <cstring>
#include <iomanip>
#include <sstream>

#include <sys/mman.h>

#include "emulator/core/cpu/x87/float80.h"
#include "emulator/isa/row.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/x87_machine.h"

using namespace orrery;
using orrery::testing::X87Machine;

namespace {

struct alignas(16) Area {
    u16 control, status;
    u8 tags, reserved;
    u16 opcode;
    u64 ip, dp;
    u32 mxcsr, mxcsr_mask;
    u8 st[8][16];
    u8 rest[352];
};
static_assert(sizeof(Area) == 512);

constexpr unsigned kDataSize = 128;
struct State {
    Area area{};
    u8 data[kDataSize] = {};
    u64 rax = 0;
    u64 flags = 0;  // the six
};

class Host {
  public:
    Host() {
        void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(p != MAP_FAILED);
        page_ = static_cast<u8*>(p);
    }
    ~Host() { munmap(page_, 4096); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void run(const std::vector<u8>& code, State& s) {
        std::memcpy(page_, code.data(), code.size());
        page_[code.size()] = 0xc3;
        Area saved;
        u64 rax = s.rax, flags = s.flags | 2;
        const u64 data = reinterpret_cast<u64>(s.data);
        asm volatile(
            "fxsave %[saved]\n"
            "fxrstor (%[area])\n"
            "push %%rbx\n"
            "mov %[data], %%rbx\n"
            "push %[flags]\n"
            "popf\n"
            "call *%[code]\n"
            "pushf\n"
            "pop %[flags]\n"
            "pop %%rbx\n"
            "fxsave (%[area])\n"
            "fninit\n"
            "fxrstor %[saved]\n"
            : [saved] "=m"(saved), "+a"(rax), [flags] "+r"(flags)
            : [area] "r"(&s.area), [data] "r"(data), [code] "r"(page_)
            : "cc", "memory");
        s.rax = rax;
        s.flags = flags & 0x8d5;
    }

  private:
    u8* page_;
};

void run_ours(X87Machine& m, const std::vector<u8>& code, State& s) {
    X87State& x = m.x87();
    x = {};
    x.control = s.area.control;
    x.status = s.area.status;
    x.empty = static_cast<u8>(~s.area.tags);
    const unsigned top = x.status >> 11 & 7;
    for (unsigned i = 0; i < 8; ++i) {
        Float80& r = x.reg[(top + i) & 7];
        std::memcpy(&r.significand, s.area.st[i], 8);
        std::memcpy(&r.sign_exponent, s.area.st[i] + 8, 2);
    }
    std::memcpy(m.data(), s.data, kDataSize);
    m.cpu().gpr[kRax] = s.rax;
    m.cpu().set_rflags(static_cast<u32>(s.flags) | 2);
    REQUIRE(m.run(code) == -1);
    s.area.control = x.control;
    s.area.status = x.status;
    s.area.tags = static_cast<u8>(~x.empty);
    const unsigned after = x.status >> 11 & 7;
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& r = x.reg[(after + i) & 7];
        std::memcpy(s.area.st[i], &r.significand, 8);
        std::memcpy(s.area.st[i] + 8, &r.sign_exponent, 2);
    }
    std::memcpy(s.data, m.data(), kDataSize);
    s.rax = m.cpu().gpr[kRax];
    s.flags = m.cpu().rflags() & 0x8d5;
}

u64 state = 0x87;
u64 next() {
    u64 z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}
u64 below(u64 n) {
    return next() % n;
}

Float80 random_value() {
    static constexpr u64 kTop = u64{1} << 63;
    static constexpr Float80 kSpecials[] = {
        {0, 0},
        {0, 0x8000},
        {kTop, 0x3fff},
        {kTop, 0xbfff},
        {kTop, 0x7fff},
        {kTop, 0xffff},
        {3 * (kTop / 2), 0xffff},
        {3 * (kTop / 2) + 77, 0x7fff},
        {kTop + 5, 0x7fff},
        {12345, 0},
        {kTop, 0},
        {5, 0x4001},
        {5, 0x7fff},
        {~u64{0}, 0x7ffe},
        {kTop, 1},
        {kTop, 0x403e},
        {kTop + 1, 0xc03e},
    };
    if (below(3) == 0) return kSpecials[below(std::size(kSpecials))];
    u64 significand = next() | kTop;
    if (below(2)) significand &= ~u64{0} << below(64);
    significand |= kTop;
    const u64 exponent = below(6) == 0 ? 1 + below(0x7ffe) : 0x3fff - 20 + below(85);
    return {significand, static_cast<u16>(exponent | below(2) << 15)};
}

State random_state() {
    State s;
    s.area.control = static_cast<u16>(0x7f | below(4) << 10);
    static constexpr u16 kPrecisions[] = {0, 0x200, 0x300, 0x300};
    s.area.control |= kPrecisions[below(4)];
    if (below(3) == 0) s.area.control &= static_cast<u16>(~below(64));
    u16 sticky = static_cast<u16>(below(64) & s.area.control);
    s.area.status = static_cast<u16>(sticky | below(8) << 11 | (below(16) << 8 & 0x700) | below(2) << 14);
    s.area.tags = static_cast<u8>(below(3) == 0 ? next() : 0xff);
    if (below(2) == 0)
        s.area.tags &= static_cast<u8>(~(1u << (((s.area.status >> 11) + 7) & 7)));  // room to push
    s.area.mxcsr = 0x1f80;
    s.area.mxcsr_mask = 0xffff;
    for (auto& bytes : s.area.st) {
        const Float80 v = random_value();
        std::memcpy(bytes, &v.significand, 8);
        std::memcpy(bytes + 8, &v.sign_exponent, 2);
    }
    const Float80 v = random_value();
    switch (below(4)) {
        case 0:
            for (u8& b : s.data) b = static_cast<u8>(next());
            break;
        case 1: {
            std::memcpy(s.data, &v.significand, 8);
            std::memcpy(s.data + 8, &v.sign_exponent, 2);
            break;
        }
        case 2: {
            const u32 f = static_cast<u32>(below(2) ? below(2) << 31 | below(0x100) << 23 : next());
            std::memcpy(s.data, &f, 4);
            break;
        }
        default: {
            const u64 d = below(2) ? below(2) << 63 | below(0x800) << 52 : next() & 0x800f'ffff'ffff'ffff;
            std::memcpy(s.data, &d, 8);
        }
    }
    s.rax = next();
    s.flags = next() & 0x8d5;
    return s;
}

std::string show(const State& s) {
    std::ostringstream out;
    out << std::hex << std::setfill('0') << "control " << s.area.control << " status " << s.area.status
        << " tags " << unsigned{s.area.tags} << " ax " << (s.rax & 0xffff) << " flags " << s.flags;
    for (int i = 0; i < 8; ++i) {
        u64 significand;
        u16 sign_exponent;
        std::memcpy(&significand, s.area.st[i], 8);
        std::memcpy(&sign_exponent, s.area.st[i] + 8, 2);
        if (i < 3) out << " " << sign_exponent << ":" << significand;
    }
    out << " data ";
    for (int i = 0; i < 12; ++i) out << std::setw(2) << unsigned{s.data[i]};
    return out.str();
}

bool trigonometric(const std::vector<u8>& code) {
    if (code[0] != 0xd9) return false;
    switch (code[1]) {
        case 0xf0:
        case 0xf1:
        case 0xf2:
        case 0xf3:
        case 0xf9:
        case 0xfb:
        case 0xfe:
        case 0xff:
            return true;
        default:
            return false;
    }
}
bool compares(const std::vector<u8>& code) {
    const unsigned reg = code[1] >> 3 & 7;
    const bool memory = code[1] < 0xc0;
    switch (code[0]) {
        case 0xd8:
        case 0xdc:
            return reg == 2 || reg == 3;
        case 0xda:
            return memory ? reg == 2 || reg == 3 : code[1] == 0xe9;
        case 0xde:
            return reg == 2 || reg == 3;
        case 0xd9:
            return code[1] == 0xe4;
        case 0xdb:
        case 0xdf:
            return !memory && (reg == 5 || reg == 6);
        case 0xdd:
            return !memory && (reg == 4 || reg == 5);
        default:
            return false;
    }
}

// What of the status word is compared, and whether the results are.
bool agree(const std::vector<u8>& code, const State& before, const State& ours, const State& host) {
    u16 mask = 0xffff;
    const bool defines_all = compares(code) || code[0] == 0xd9;  // FXAM, FPREM, FPREM1 among them
    if (!defines_all) mask &= static_cast<u16>(~(f80::kC0 | f80::kC2 | f80::kC3));
    if (code[0] == 0xd9 && !compares(code) && code[1] != 0xe5 && code[1] != 0xf8 && code[1] != 0xf5)
        mask &= static_cast<u16>(~(f80::kC0 | f80::kC2 | f80::kC3));
    const bool trig = trigonometric(code);
    if (trig)
        mask &= static_cast<u16>(
            ~(f80::kC1 | f80::kPrecision | f80::kUnderflow | f80::kErrorSummary | f80::kBusy));
    // FCOMI and its like clear C1 by Intel's manual; AMD's processors leave it.
    if (code[1] >= 0xc0 && compares(code) && (code[0] == 0xdb || code[0] == 0xdf))
        mask &= static_cast<u16>(~f80::kC1);
    // FFREE and FFREEP leave C1 undefined.
    if ((code[0] == 0xdd || code[0] == 0xdf) && code[1] >= 0xc0 && code[1] <= 0xc7)
        mask &= static_cast<u16>(~f80::kC1);
    // An unmasked #IA or #D of a comparison: Intel and AMD differ in the condition bits, EFLAGS and pops.
    const u16 fresh = static_cast<u16>(ours.area.status & ~before.area.control);
    if (compares(code) && (fresh & (f80::kInvalid | f80::kDenormal)) != 0)
        return (ours.area.status & 0x7f) == (host.area.status & 0x7f);
    if ((ours.area.status & mask) != (host.area.status & mask)) return false;
    if (ours.area.control != host.area.control || ours.area.tags != host.area.tags) return false;
    if (ours.rax != host.rax || ours.flags != host.flags) return false;
    if (std::memcmp(ours.data, host.data, kDataSize) != 0) return false;
    for (unsigned i = 0; i < 8; ++i) {
        if (std::memcmp(ours.area.st[i], host.area.st[i], 10) == 0) continue;
        if (!trig) return false;
        // One unit in the last place, exponents too: 79 bits without the integer bit.
        const auto whole = [](const u8* bytes) {
            u64 significand;
            u16 sign_exponent;
            std::memcpy(&significand, bytes, 8);
            std::memcpy(&sign_exponent, bytes + 8, 2);
            return (static_cast<unsigned __int128>(sign_exponent) << 63) + (significand & ~u64{0} >> 1);
        };
        if (whole(ours.area.st[i]) - whole(host.area.st[i]) + 1 > 2) return false;
    }
    return true;
}

// Where an environment of `size` bytes that the instruction stores has the pointers: not compared, since
// AMD's processors keep them for exceptions only (x87_test.cpp). 0: it stores none.
unsigned pointers_at(const u8* code, unsigned size) {
    const bool environment =
        (code[0] == 0xd9 || code[0] == 0xdd) && code[1] < 0xc0 && (code[1] >> 3 & 7) == 6;
    return environment ? size == 28 ? 12 : 6 : 0;
}

void compare(X87Machine& m, Host& host, const std::vector<u8>& code, unsigned times) {
    unsigned different = 0;
    std::string text;
    for (unsigned i = 0; i < times; ++i) {
        const State before = random_state();
        State ours = before, theirs = before;
        host.run(code, theirs);
        run_ours(m, code, ours);
        const bool narrow = code[0] == 0x66;
        if (const unsigned at = pointers_at(code.data() + narrow, narrow ? 14 : 28)) {
            std::memset(ours.data + at, 0, (narrow ? 14 : 28) - at);
            std::memset(theirs.data + at, 0, (narrow ? 14 : 28) - at);
        }
        if (agree(code, before, ours, theirs)) continue;
        if (++different <= 3)
            text += "before " + show(before) + "\n  ours " + show(ours) + "\n  host " + show(theirs) + "\n";
    }
    std::ostringstream name;
    for (u8 b : code) name << std::hex << std::setw(2) << std::setfill('0') << unsigned{b} << " ";
    INFO(name.str() << "differs in " << different << " of " << times << "\n" << text);
    CHECK(different == 0);
}

}  // namespace

TEST_CASE("x87 instructions do on our machine what they do on the host", "[x87]") {
    X87Machine m;
    Host host;
    for (unsigned opcode = 0xd8; opcode <= 0xdf; ++opcode) {
        for (unsigned modrm = 0xc0; modrm <= 0xff; ++modrm) {
            const u8 bytes[] = {static_cast<u8>(opcode), static_cast<u8>(modrm), 0x90};
            Insn insn;
            if (decode(bytes, CpuMode::Bits64, m.cpu().features, insn) != DecodeStatus::Ok) continue;
            compare(m, host, {bytes[0], bytes[1]}, 60);
        }
        for (unsigned reg = 0; reg < 8; ++reg) {
            const u8 bytes[] = {static_cast<u8>(opcode), static_cast<u8>(reg << 3 | 3), 0x90};
            Insn insn;
            if (decode(bytes, CpuMode::Bits64, m.cpu().features, insn) != DecodeStatus::Ok) continue;
            if (std::string(insn.row->mnemonic) == "FBLD")
                continue;  // digits above 9 (float80_test.cpp has the others)
            compare(m, host, {bytes[0], bytes[1]}, 400);
            const bool transfers = (bytes[0] == 0xd9 || bytes[0] == 0xdd) && (reg == 4 || reg == 6);
            if (transfers) compare(m, host, {0x66, bytes[0], bytes[1]}, 400);
        }
    }
}
