// docs/instructions.md is made from the instruction table. ORRERY_WRITE_DOCS=1 writes it anew.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "emulator/isa/row.h"
#include "tests/unit/catch.h"

using namespace orrery;
using namespace orrery::row_words;

namespace {

constexpr const char* kPage = SOURCE_ROOT "/docs/instructions.md";

std::string flags_text(FlagSet flags) {
    static constexpr struct {
        FlagSet flag;
        const char* name;
    } kNames[] = {{Status, "Status"}, {CF, "CF"}, {PF, "PF"}, {AF, "AF"},   {ZF, "ZF"},     {SF, "SF"},
                  {OF, "OF"},         {TF, "TF"}, {IF, "IF"}, {DF, "DF"},   {IOPL, "IOPL"}, {NT, "NT"},
                  {RF, "RF"},         {VM, "VM"}, {AC, "AC"}, {VIF, "VIF"}, {VIP, "VIP"},   {ID, "ID"},
                  {C0, "C0"},         {C1, "C1"}, {C2, "C2"}, {C3, "C3"}};
    std::string text;
    for (const auto& [flag, name] : kNames) {
        if ((flags & flag) != flag) continue;
        text += (text.empty() ? "" : " ") + std::string(name);
        flags &= ~flag;
    }
    return text;
}

const char* flow_text(Flow flow) {
    constexpr const char* kNames[] = {
        "",      "jump", "call", "return", "interrupt", "interrupt return", "system call", "system return",
        "fault", "wait"};
    return kNames[static_cast<unsigned>(flow)];
}

const char* privilege_text(Privilege privilege) {
    constexpr const char* kNames[] = {"",
                                      "CPL 0",
                                      "CPL 0 (#UD)",
                                      "CPL 0",
                                      "CPL ≤ IOPL",
                                      "IOPL 3 in virtual-8086 mode",
                                      "CPL ≤ IOPL or permission map",
                                      "CPL 0 if CR4.TSD",
                                      "CPL 0 unless CR4.PCE",
                                      "CPL 0 if CR4.UMIP"};
    return kNames[static_cast<unsigned>(privilege)];
}

std::string flag_columns(const Row& row) {
    std::string text;
    const auto add = [&](const char* what, FlagSet flags) {
        if (flags != 0) text += (text.empty() ? "" : "; ") + fmt::format("{} {}", what, flags_text(flags));
    };
    add("reads", row.flags_read);
    add("sets", row.flags_written);
    add("undefined", row.flags_undefined);
    return text;
}

std::string line_of(const Row& row) {
    std::string rest = flow_text(row.flow);
    const auto add = [&](const char* text) {
        if (*text != 0) rest += (rest.empty() ? "" : "; ") + std::string(text);
    };
    add(privilege_text(row.privilege));
    if (row.has(No64)) add("not in 64-bit mode");
    if (row.has(Only64)) add("64-bit mode only");
    if (row.has(NotReal)) add("#UD in real and virtual-8086 mode");
    if (row.has(Lock)) add("LOCK");
    if (row.has(Serializing)) add("serializing");
    return fmt::format("| {} | `{}` | {} | {} | {} | {} |\n", row.mnemonic, row.encoding_text,
                       row.operands_text, row.implicit_text, flag_columns(row), rest);
}

std::string page() {
    std::string text =
        "# Instructions\n\n"
        "Made from the instruction table, `emulator/isa/rows_*.def`, by "
        "`tests/isa/instructions_page_test.cpp`. "
        "Operands and what is implicit are in the notation of `emulator/isa/notation.h`: `=` written, `+` "
        "read and "
        "written, `&` an address only.\n";
    const char* family = "";
    for (const Row& row : rows()) {
        if (row.family != family) {
            family = row.family;
            text += fmt::format(
                "\n## {}\n\n| | encoding | operands | implicit | flags | |\n|---|---|---|---|---|---|\n",
                family);
        }
        text += line_of(row);
    }
    return text;
}

}  // namespace

TEST_CASE("docs/instructions.md says what the instruction table says", "[docs]") {
    if (std::getenv("ORRERY_WRITE_DOCS") != nullptr) std::ofstream(kPage) << page();
    std::ifstream file(kPage);
    std::stringstream text;
    text << file.rdbuf();
    CHECK((text.str() == page()));
}
