#include "tests/isa/decoder_comparison.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <map>
#include <regex>

#include "emulator/isa/disassembler.h"
#include "tests/isa/canonical_text.h"
#include "tests/isa/objdump.h"

namespace orrery::testing {
namespace {

enum class Who { Capstone, Capstone4, Capstone5, Objdump, Both };
constexpr Who kThisCapstone = CS_API_MAJOR < 5 ? Who::Capstone4 : Who::Capstone5;

bool concerns(Who who, Peer peer) {
    if (peer == Peer::Objdump) return who == Who::Objdump || who == Who::Both;
    return who == Who::Capstone || who == kThisCapstone || who == Who::Both;
}

enum class Kind {
    Unknown,  // an instruction to us, not to the other
    Length,
    Text,
    Claims,  // the other sees an instruction, we do not
};

struct KnownDifference {
    Who who;
    Kind kind;
    std::regex mnemonic;  // ours; for Claims theirs
    std::regex detail;    // searched in "mode: bytes | ours | theirs", bytes as "0f 1e fa "
};

const std::vector<KnownDifference>& known_differences() {
    static const std::vector<KnownDifference> table = [] {
        std::vector<KnownDifference> out;
        const auto flags = std::regex::optimize;
#define DIFFERENCE(who, kind, mnemonic, detail, why) \
    out.push_back({Who::who, Kind::kind, std::regex(mnemonic, flags), std::regex(detail, flags)});
#include "tests/isa/known_differences.def"
#undef DIFFERENCE
        return out;
    }();
    return table;
}

struct Difference {
    Kind kind;
    std::string mnemonic;
    std::string detail;
};

class Comparison {
  public:
    Comparison(Peer peer, CpuMode mode, Cases cases)
        : peer_(peer),
          mode_(mode),
          cases_kind_(cases),
          cases_(cases == Cases::Vex ? vex_decoder_cases(mode) : decoder_cases(mode)) {
        // VEX: with every extension that rows know.
        if (cases == Cases::Vex)
            for (const Row& row : rows()) features_.set(row.feature);
    }

    ComparisonReport run() {
        const Disassembler capstone(mode_);
        std::vector<Insn> insns(cases_.size());
        std::vector<bool> decoded(cases_.size());
        std::vector<unsigned> lengths(cases_.size());
        std::vector<ObjdumpLine> lines(cases_.size());
        for (std::size_t n = 0; n < cases_.size(); ++n) {
            decoded[n] = decode(cases_[n].bytes, mode_, features_, insns[n]) == DecodeStatus::Ok;
            lengths[n] = insns[n].length;
            // Where we see nothing, Capstone says how many bytes objdump should be shown.
            if (peer_ == Peer::Objdump && decoded[n]) continue;
            DisassembledInsn other = capstone.one(cases_[n].bytes, n * kObjdumpSlot);
            lines[n] = {other.length, other.length ? other.text() : "(bad)"};
            if (!decoded[n] && other.length) lengths[n] = other.length;
        }
        if (peer_ == Peer::Objdump) lines = objdump(mode_, cases_, lengths);

        report_.cases = cases_.size();
        for (std::size_t n = 0; n < cases_.size(); ++n) {
            report_.decoded += decoded[n];
            compare(n, decoded[n] ? &insns[n] : nullptr, lines[n]);
        }
        return report_;
    }

  private:
    // "64: 0f 1e fa "
    std::string hex(std::size_t n, unsigned count) const {
        std::string out = mode_ == CpuMode::Bits64 ? "64" : mode_ == CpuMode::Bits32 ? "32" : "16";
        out += cases_kind_ == Cases::Vex ? "v: " : ": ";
        for (unsigned i = 0; i < count && i < cases_[n].bytes.size(); ++i) {
            out += fmt::format("{:02x} ", cases_[n].bytes[i]);
        }
        return out;
    }

    void compare(std::size_t n, const Insn* insn, const ObjdumpLine& line) {
        bool unknown = line.text.empty() || line.text.find("(bad)") != line.text.npos;
        if (!insn) {
            if (!unknown) {
                std::string name = foreign_mnemonic(line.text);
                if (takes_another_prefix(n, name)) {
                    ++report_.known;
                } else {
                    differ({Kind::Claims, name, hex(n, line.length) + "| (none) | " + line.text});
                }
            }
            return;
        }
        if (unknown || line.length != insn->length || !same_text(n, *insn, line)) {
            CanonicalText ours = canonical(*insn, n * kObjdumpSlot);
            Kind kind = unknown ? Kind::Unknown : line.length != insn->length ? Kind::Length : Kind::Text;
            std::string theirs = unknown ? line.text : canonical(line.text, *insn).str();
            differ({kind, ours.mnemonic, hex(n, insn->length) + "| " + ours.str() + " | " + theirs});
        }
    }

    // Neither of the others takes mandatory prefixes as seriously as CPUs do (SDM Vol. 2, 2.1.2): F3 0F EF is
    // #UD, not PXOR. True if the other sees a row of this opcode under a prefix that the row forbids.
    bool takes_another_prefix(std::size_t n, const std::string& name) const {
        const DecoderCase& c = cases_[n];
        std::size_t at = c.prefix_count;
        u8 map = 0;
        if (c.bytes[at] == 0x0f) {
            map = 1;
            ++at;
            if (c.bytes[at] == 0x38 || c.bytes[at] == 0x3a) map = c.bytes[at++] == 0x38 ? 2 : 3;
        }
        bool prefixed = false;
        for (std::size_t i = 0; i < c.prefix_count; ++i) {
            prefixed |= c.bytes[i] == 0x66 || c.bytes[i] == 0xf2 || c.bytes[i] == 0xf3;
        }
        if (!prefixed) return false;
        for (const Row& row : rows()) {
            const Encoding& e = row.encoding;
            if (e.vex || e.map != map || e.opcode != c.bytes[at] || e.prefix == Encoding::Prefix::Any)
                continue;
            if (canonical_mnemonic(row) == name) return true;
        }
        return false;
    }

    // Names of hint NOPs change with every generation of CPUs; only their length matters.
    bool same_text(std::size_t n, const Insn& insn, const ObjdumpLine& line) const {
        return insn.row->has(row_words::HintNop) ||
               agree(canonical(insn, n * kObjdumpSlot), canonical(line.text, insn));
    }

    bool is_known(const Difference& d) {
        // Most differences come in thousands of the same kind: remember which entries speak of a mnemonic at
        // all.
        auto [it, fresh] = relevant_.try_emplace({d.kind, d.mnemonic});
        if (fresh) {
            for (const KnownDifference& k : known_differences()) {
                if (k.kind != d.kind || !concerns(k.who, peer_)) continue;
                if (std::regex_match(d.mnemonic, k.mnemonic)) it->second.push_back(&k);
            }
        }
        for (const KnownDifference* k : it->second) {
            if (std::regex_search(d.detail, k->detail)) return true;
        }
        return false;
    }

    void differ(const Difference& d) {
        if (is_known(d)) {
            ++report_.known;
            return;
        }
        ++report_.unexplained_count;
        if (++shown_[{d.kind, d.mnemonic}] > 3 || report_.unexplained.size() >= 3000) return;
        static constexpr const char* kNames[] = {"unknown to the other", "length", "text", "unknown to us"};
        report_.unexplained.push_back(
            fmt::format("{}: {}: {}", kNames[static_cast<int>(d.kind)], d.mnemonic, d.detail));
    }

    Peer peer_;
    CpuMode mode_;
    Cases cases_kind_;
    CpuFeatures features_;
    std::vector<DecoderCase> cases_;
    ComparisonReport report_;
    std::map<std::pair<Kind, std::string>, std::vector<const KnownDifference*>> relevant_;
    std::map<std::pair<Kind, std::string>, unsigned> shown_;
};

}  // namespace

ComparisonReport compare_decoder(Peer peer, CpuMode mode, Cases cases) {
    return Comparison(peer, mode, cases).run();
}

}  // namespace orrery::testing
