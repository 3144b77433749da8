// The table of commands, and what is made from it.
#include "ui/commands.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/unit/catch.h"
#include "ui/keys.h"

using namespace orrery;

namespace {

// The forms in the first column of the page's table: "step [N]".
std::set<std::string> documented_words() {
    std::ifstream page(std::string(SOURCE_ROOT) + "/docs/debugger-scripts.md");
    std::set<std::string> words;
    std::string line;
    while (std::getline(page, line)) {
        if (line.rfind("| `", 0) != 0) continue;
        const std::string column = line.substr(1, line.find(" | ", 1));
        const std::regex code("`([^`]+)`");
        for (std::sregex_iterator at(column.begin(), column.end(), code), end; at != end; ++at)
            words.insert((*at)[1]);
    }
    return words;
}

}  // namespace

TEST_CASE("the page about scripts has the words of the table, and no others") {
    std::set<std::string> words;
    for (const CommandRow& row : commands())
        if (row.script != nullptr) words.insert(row.script);
    CHECK(words.size() > 30);
    CHECK(documented_words() == words);
}

TEST_CASE("each row of the table of commands can be asked for, and says what it does") {
    std::set<std::string> names, words;
    for (const CommandRow& row : commands()) {
        INFO((row.name != nullptr ? row.name : row.script));
        CHECK((row.name != nullptr || row.script != nullptr));
        CHECK((row.name == nullptr) == (row.invoke == nullptr));
        CHECK((row.name == nullptr) == (row.help == nullptr));
        CHECK((row.play != nullptr || row.invoke != nullptr));
        CHECK((row.bar == Bar::None) == (row.button == nullptr));
        if (row.name != nullptr) CHECK(names.insert(row.name).second);
        if (row.script != nullptr) {
            CHECK(words.insert(row.word()).second);
            CHECK(find_word(row.word()) == &row);
        }
        if (row.keys == nullptr) continue;
        std::istringstream keys(row.keys);
        for (std::string key; std::getline(keys, key, '|');) {
            INFO(key);
            CHECK(parse_chord(key));
        }
    }
    CHECK(find_word("fly") == nullptr);
}

TEST_CASE("no key has two commands at once") {
    for (const RunState state : {RunState::Paused, RunState::Running, RunState::Ended}) {
        std::set<std::string> keys;
        for (const CommandRow& row : commands())
            if (row.keys != nullptr && holds(row.when, state)) CHECK(keys.insert(row.key()).second);
    }
}

TEST_CASE("a key's name is read with its modifiers") {
    CHECK(parse_chord("Ctrl++")->sym == SDLK_PLUS);
    CHECK(parse_chord("Alt+Shift+F11")->sym == SDLK_F11);
    CHECK((parse_chord("Alt+Shift+F11")->mod & KMOD_ALT) != 0);
    CHECK(parse_chord("Ctrl+Keypad -")->sym == SDLK_KP_MINUS);
    CHECK(parse_chord(".")->sym == SDLK_PERIOD);
    CHECK_FALSE(parse_chord("Hyper+F1"));
    CHECK_FALSE(parse_chord("Hyperspace"));
    CHECK_FALSE(parse_chord(""));
}
