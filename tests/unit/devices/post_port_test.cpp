// The diagnostic port, on the board.
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

TEST_CASE("post port: it holds the last byte, until a reset") {
    Board board;
    CHECK(board.in(0x80) == 0);
    board.out(0x80, 0x5a);
    board.out(0x80, 0xa5);
    CHECK(board.in(0x80) == 0xa5);
    board.board.reset();
    CHECK(board.in(0x80) == 0);
}

TEST_CASE("post port: its latch is state") {
    Board board;
    Device& port = *board.board.find("post_port");
    const u64 before = hash_of(port);
    board.out(0x80, 1);
    CHECK(hash_of(port) != before);
}
