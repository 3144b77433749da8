// The format of recordings: what is written is read, as far as the file goes; damage is noticed.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <random>

#include "emulator/time-travel/record/recording_blocks.h"
#include "emulator/time-travel/record/recording_reader.h"
#include "emulator/time-travel/record/recording_writer.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

// A directory for a test, gone after it; in memory where the host has such, since thousands of files are
// written.
struct Directory {
    Directory() {
        const bool memory = access("/dev/shm", W_OK) == 0;
        path = std::string(memory ? "/dev/shm" : "/tmp") + "/orrery-recording-XXXXXX";
        REQUIRE(mkdtemp(path.data()) != nullptr);
    }
    ~Directory() {
        for (const char* name : {"/a", "/b", "/a.part"}) unlink((path + name).c_str());
        rmdir(path.c_str());
    }
    std::string path;
};

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

LoggedInput key(u64 at, const std::string& text) {
    return {{at, at * 3}, 1, "uart16550.0", {text.begin(), text.end()}};
}

// A header, an image, and a log with a branch in it. How many bytes the file has after each block.
std::vector<u64> write_sample(const std::string& path) {
    std::vector<u64> sizes;
    RecordingWriter writer(path, "{\"seed\": 7}");
    const auto count = [&] { sizes.push_back(writer.size()); };
    count();
    std::vector<u8> image(3000);
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<u8>(i * i >> 3);
    writer.image(0, 4096, image);
    count();
    writer.begin();
    count();
    writer.components({"cpu0", "ram"});
    count();
    writer.link(0, {{0, 0}, 11, {1, 2}});
    count();
    writer.input(0, key(100, "ls\n"));
    count();
    writer.bookmark({0, {120, 360}, "here"});
    count();
    writer.input(0, key(200, "exit\n"));
    count();
    writer.branch(1, 0, {150, 450}, 1);
    count();
    writer.input(1, key(150, "x"));
    count();
    writer.link(1, {{160, 480}, 12, {3, 4}});
    count();
    writer.end(1, {{300, 900}, 4, 7, 3});
    count();
    return sizes;
}

}  // namespace

TEST_CASE("a recording is read as it was written") {
    const Directory directory;
    write_sample(directory.path + "/a");
    const Recording read = read_recording(directory.path + "/a");
    CHECK(read.header == "{\"seed\": 7}");
    CHECK(read.images_complete);
    CHECK_FALSE(read.cut_short);
    CHECK(read.components == std::vector<std::string>{"cpu0", "ram"});
    REQUIRE(read.runs.size() == 2);
    CHECK(read.present == 1);
    CHECK(read.runs[1].end->exit_code == 7);
    CHECK(read.runs[1].end->status == 3);
    CHECK(read.runs[1].last == Moment{300, 900});
    // A branch has what entered before it.
    const std::vector<LoggedInput> inputs = read.inputs_of(1);
    REQUIRE(inputs.size() == 2);
    CHECK(inputs[0].data == std::vector<u8>{'l', 's', '\n'});
    CHECK(inputs[1].moment == Moment{150, 450});
    CHECK(inputs[1].cpu == 1);
    CHECK(read.links_of(1).size() == 2);
    CHECK(read.bookmarks == std::vector<RecordedBookmark>{{0, {120, 360}, "here"}});
    size_t bytes = 0;
    read_image_pieces(read, 0, [&](u64 offset, std::span<const u8> piece) {
        CHECK(offset == 4096);
        CHECK(piece[100] == static_cast<u8>(100 * 100 >> 3));
        bytes += piece.size();
    });
    CHECK(bytes == 3000);
}

TEST_CASE("a recording that ends early is readable up to its last whole block") {
    const Directory directory;
    const std::vector<u64> ends = write_sample(directory.path + "/a");
    const std::string whole = content(directory.path + "/a");
    REQUIRE(whole.size() == ends.back());
    for (size_t size = 0; size < whole.size(); ++size) {
        write(directory.path + "/b", whole.substr(0, size));
        if (size < ends[0]) {
            CHECK_THROWS_AS(read_recording(directory.path + "/b"), RecordingError);
            continue;
        }
        const Recording read = read_recording(directory.path + "/b");
        u64 last = 0;
        for (const u64 end : ends)
            if (end <= size) last = end;
        CHECK(read.size == last);
        CHECK(read.cut_short);
        CHECK(read.images_complete == (last >= ends[2]));
    }
}

TEST_CASE("every changed bit of a recording is noticed") {
    const Directory directory;
    write_sample(directory.path + "/a");
    const std::string whole = content(directory.path + "/a");
    for (size_t at = 0; at < whole.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
            write(directory.path + "/b", changed);
            bool noticed = false;
            try {
                read_recording(directory.path + "/b");
            } catch (const RecordingError& error) {
                noticed = error.damaged == (at >= sizeof kRecordingMagic + 1);
            }
            if (!noticed) FAIL("bit " << bit << " of byte " << at);
        }
    }
}

TEST_CASE("blocks that are whole but make no sense are damage") {
    const Directory directory;
    write_sample(directory.path + "/a");
    const std::string whole = content(directory.path + "/a");
    const auto refused = [&](const std::vector<u8>& block) {
        write(directory.path + "/b", whole + std::string(block.begin(), block.end()));
        try {
            read_recording(directory.path + "/b");
        } catch (const RecordingError& error) {
            return error.damaged;
        }
        return false;
    };
    const u32 number = 12;  // blocks are in the sample
    // The same block, good but for one thing each.
    const auto present = [](u32 run) { return BodyWriter().number(run).take(); };
    CHECK_FALSE(refused(seal_block(BlockKind::Present, number, present(1))));
    CHECK(refused(seal_block(BlockKind::Present, number + 1, present(1))));
    CHECK(refused(seal_block(BlockKind::Present, number, present(2))));
    CHECK(refused(seal_block(static_cast<BlockKind>(99), number, present(1))));
    CHECK(refused(seal_block(BlockKind::Header, number, present(1))));
    CHECK(refused(seal_block(BlockKind::Present, number, {})));
    // Back in time.
    CHECK(refused(
        seal_block(BlockKind::Link, number,
                   BodyWriter().number(u32{1}).moment({299, 0}).number(u64{0}).number(u64{0}).take())));
    // A branch of a run that is not there.
    CHECK(
        refused(seal_block(BlockKind::Branch, number,
                           BodyWriter().number(u32{2}).number(u32{5}).moment({0, 0}).number(u64{0}).take())));
}

TEST_CASE("files that are no recordings are refused in one line") {
    const Directory directory;
    const auto message = [&](const std::string& path) {
        try {
            read_recording(path);
        } catch (const RecordingError& error) {
            CHECK_FALSE(error.damaged);
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(message(directory.path + "/missing").find("No such file") != std::string::npos);
    CHECK(message(directory.path).find("is a directory") != std::string::npos);
    CHECK(message("/dev/null").find("not a regular file") != std::string::npos);
    write(directory.path + "/b", "hello, world");
    CHECK(message(directory.path + "/b").find("is not a recording") != std::string::npos);
    write(directory.path + "/b", std::string("ORRERYR") + '\x09' + "rest");
    CHECK(message(directory.path + "/b").find("of format 9") != std::string::npos);
}

TEST_CASE("a full disk ends the recording at a whole block") {
    const Directory directory;
    const std::string path = directory.path + "/a";
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    u64 size = 0;
    {
        RecordingWriter writer(path, "{}");
        writer.begin();
        const rlimit limit{2000, before.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        for (u64 i = 0; i < 100; ++i) writer.input(0, key(i, "typed"));
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK(writer.error().find(path) == 0);
        size = writer.size();
        // Room again: nothing more is written, or the log would have a hole.
        writer.input(0, key(1000, "later"));
    }
    const Recording read = read_recording(path);
    CHECK(size > 1900);
    CHECK(read.size == size);
    CHECK(content(path).size() == size);
    CHECK(read.runs[0].inputs.size() > 10);
    CHECK(read.runs[0].inputs.back().moment.instructions < 100);
}

TEST_CASE("a disk that is full before a recording has its name leaves nothing") {
    const Directory directory;
    const std::string path = directory.path + "/a";
    write(path, "precious");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    for (const rlim_t limit : {rlim_t{10}, rlim_t{3000}}) {
        const rlimit full{limit, before.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
        std::vector<u8> noise(2000);
        std::mt19937 random(1);  // what cannot be compressed
        for (u8& byte : noise) byte = static_cast<u8>(random());
        {
            RecordingWriter writer(path, "{}");
            for (u64 piece = 0; piece < 4; ++piece) writer.image(0, piece * noise.size(), noise);
            writer.begin();
            writer.input(0, key(1, "typed"));
            CHECK(writer.error().find("nothing is recorded") != std::string::npos);
        }
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK(content(path) == "precious");
        CHECK(access((path + ".part").c_str(), F_OK) != 0);
    }
}

TEST_CASE("a recording that cannot begin leaves what was there before") {
    const Directory directory;
    write(directory.path + "/a", "precious");
    CHECK_THROWS_AS(RecordingWriter("/nonexistent/a", "{}"), RecordingError);
    CHECK_THROWS_AS(RecordingWriter("/dev/full", "{}"), RecordingError);
    { const RecordingWriter writer(directory.path + "/a", "{}"); }
    CHECK(content(directory.path + "/a") == "precious");
    CHECK(access((directory.path + "/a.part").c_str(), F_OK) != 0);
}

TEST_CASE("links thin out as a run gets longer") {
    CHECK(next_link(0, 0) == u64{1} << 25);
    CHECK(next_link(0, (u64{1} << 25) - 1) == u64{1} << 25);
    CHECK(next_link(1000, 500) == 1000);
    CHECK(next_link(1000, 1000) == 1000 + (u64{1} << 25));
    u64 at = 0, count = 0;
    while (at < 100'000'000'000'000) {
        const u64 next = next_link(0, at);
        REQUIRE(next > at);
        // The same whoever asks from where.
        REQUIRE(next_link(0, (at + next) / 2) == next);
        at = next;
        ++count;
    }
    CHECK(count < 64 * 20);
}
