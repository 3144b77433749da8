#include "emulator/guestos/symbols/symbols.h"

#include <cstdio>
#include <fstream>
#include <iterator>

#include "emulator/guestos/types/debug_info.h"
#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("names of symbols are as people say them", "[guest]") {
    CHECK(plain_symbol_name("vfs_read") == "vfs_read");
    CHECK(plain_symbol_name("_ZN2ns3addEii") == "ns::add");
    CHECK(plain_symbol_name("_ZN2ns6tripleIiEET_S1_") == "ns::triple<int>");
    CHECK(plain_symbol_name("_ZNK4Task4nameEv") == "Task::name");
    CHECK(plain_symbol_name("_ZN12_GLOBAL__N_14Fair4pickEv") == "(anonymous namespace)::Fair::pick");
    CHECK(plain_symbol_name("_Znonsense") == "_Znonsense");
}

TEST_CASE("a symbol table finds by address and by name", "[guest]") {
    const SymbolTable table = SymbolTable::of({{"beta", "beta", 0x2000, 0x10, true},
                                               {"label", "label", 0x1010, 0, false},
                                               {"alpha", "alpha", 0x1000, 0x10, true},
                                               {"data", "data", 0x2000, 0, false}});
    CHECK(table.describe(0x1000) == "alpha");
    CHECK(table.describe(0x100f) == "alpha+0xf");
    CHECK(table.describe(0x1018) == "label+0x8");
    CHECK(table.describe(0x2004) == "beta+0x4");
    CHECK(table.describe(0x2010).empty());
    CHECK(table.describe(0xfff).empty());
    CHECK(table.find("beta")->address == 0x2000);
    CHECK(table.find("gamma") == nullptr);
    REQUIRE(table.completions("a", 5).size() == 1);
    CHECK(table.completions("a", 5)[0]->name == "alpha");
}

TEST_CASE("a program's symbols and lines are read from its file", "[guest]") {
    const auto info = DebugInfo::open(DEBUG_FIXTURE);
    const Symbol* add = info->symbols.find("ns::add");
    REQUIRE(add != nullptr);
    CHECK(add->function);
    CHECK(info->symbols.find("_ZN2ns3addEii") == add);
    CHECK(info->symbols.describe(add->address + 1) == "ns::add+0x1");
    CHECK(info->symbols.find("main") != nullptr);

    const SourceLocation begin = info->lines.at(add->address);
    CHECK(begin.file.find("fixture/program.cpp") != std::string::npos);
    CHECK(begin.line == 8);
    const std::vector<u64> line = info->lines.addresses_of("program.cpp", 9);
    REQUIRE_FALSE(line.empty());
    CHECK(line.front() >= add->address);
    CHECK(line.front() < add->address + add->size);
    CHECK(info->lines.at(line.front()).line == 9);
    CHECK(info->lines.addresses_of("gram.cpp", 9).empty());
    CHECK(info->lines.at(0).line == 0);
}

TEST_CASE("what is no ELF file says so in one line", "[guest]") {
    CHECK_THROWS_WITH(DebugInfo::open("/nonexistent/kernel"),
                      "/nonexistent/kernel: No such file or directory");
    const std::string path = "debug-info-test.tmp";
    std::ofstream(path) << "";
    CHECK_THROWS_AS(DebugInfo::open(path), DebugInfoError);
    std::ofstream(path) << "#!/bin/sh\n";
    CHECK_THROWS_WITH(DebugInfo::open(path), path + ": not an ELF file, or a damaged one");
    std::remove(path.c_str());
}

TEST_CASE("a damaged ELF file is read as far as it goes, or refused", "[guest]") {
    std::ifstream whole(DEBUG_FIXTURE, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(whole)), std::istreambuf_iterator<char>());
    REQUIRE(bytes.size() > 8192);
    const std::string path = "debug-info-damaged.tmp";
    const auto survives = [&](const std::string& content) {
        {
            std::ofstream out(path, std::ios::binary);
            out << content;
        }
        try {
            DebugInfo::open(path);
        } catch (const DebugInfoError&) {
        }
    };
    for (size_t length = 1; length < bytes.size(); length += bytes.size() / 40)
        survives(bytes.substr(0, length));
    u64 random = 1;
    for (int round = 0; round < 60; ++round) {
        std::string damaged = bytes;
        for (int i = 0; i < 40; ++i) {
            random = random * 6364136223846793005 + 1442695040888963407;
            damaged[64 + (random >> 33) % (damaged.size() - 64)] = static_cast<char>(random >> 20);
        }
        survives(damaged);
    }
    std::remove(path.c_str());
}
