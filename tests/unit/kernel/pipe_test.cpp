// Pipes and fifos: order, capacity, atomic writes, both ends' closing.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/pipe.h"
#include "fs/vfs_ops.h"

using namespace shim;

namespace {

struct Ends {
    RefPtr<File> in, out;
    explicit Ends(int flags = 0) {
        PipePair p = make_pipe(flags).release_value();
        in = std::move(p.read_end);
        out = std::move(p.write_end);
    }
    Result<size_t> write(const std::string& s) {
        loff_t at = 0;
        return kernel_write(*out, s.data(), s.size(), at);
    }
    std::string read(size_t n) {
        std::string s(n, '\0');
        loff_t at = 0;
        s.resize(kernel_read(*in, s.data(), n, at).release_value());
        return s;
    }
};

}  // namespace

TEST_CASE("bytes come out in order, across the ring's end") {
    World w;
    Ends p;
    std::string sent, got;
    unsigned seed = 1;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1103515245 + 12345;
        std::string chunk(seed / 7 % 3000 + 1, static_cast<char>('a' + i % 26));
        if (pipe_of(*p.in)->used() + chunk.size() <= pipe_of(*p.in)->capacity()) {
            REQUIRE(p.write(chunk).value() == chunk.size());
            sent += chunk;
        }
        if (pipe_of(*p.in)->used() > 0) got += p.read(seed / 3 % 2500 + 1);
    }
    while (pipe_of(*p.in)->used() > 0) got += p.read(4096);
    CHECK(got == sent);
    CHECK(pages_in_use() == 0);
}

TEST_CASE("a full pipe can be drained and filled again without losing what wraps") {
    World w;
    Ends p(O_NONBLOCK);
    REQUIRE(p.write(std::string(65536, 'a')).value() == 65536);
    CHECK(error_of(p.write("b")) == Errno::EAGAIN);
    CHECK(p.read(100) == std::string(100, 'a'));
    REQUIRE(p.write(std::string(100, 'b')).value() == 100);
    CHECK(p.read(65436) == std::string(65436, 'a'));
    CHECK(p.read(4096) == std::string(100, 'b'));
}

TEST_CASE("a write of PIPE_BUF bytes or less is all or nothing") {
    World w;
    Ends p(O_NONBLOCK);
    REQUIRE(p.write(std::string(65000, 'a')).value() == 65000);
    CHECK(error_of(p.write(std::string(4096, 'b'))) == Errno::EAGAIN);
    CHECK(p.write(std::string(5000, 'c')).value() == 536);  // larger: what fits
}

TEST_CASE("a blocked writer goes on when the reader makes room") {
    World w;
    Ends p;
    REQUIRE(p.write(std::string(65536, 'a')).ok());
    int sleeps = 0;
    on_sleep([&] {
        sleeps++;
        p.read(40000);
        return true;
    });
    CHECK(p.write(std::string(70000, 'b')).value() == 70000);
    CHECK(sleeps >= 2);
}

TEST_CASE("no writers: end of file; no readers: EPIPE and SIGPIPE") {
    World w;
    Ends p;
    REQUIRE(p.write("last").ok());
    p.out.reset();
    CHECK(p.in->poll(nullptr) == (POLLIN | POLLRDNORM | POLLHUP));
    CHECK(p.read(100) == "last");
    CHECK(p.read(100).empty());
    Ends q;
    q.in.reset();
    CHECK((q.out->poll(nullptr) & POLLERR) != 0);
    CHECK(error_of(q.write("x")) == Errno::EPIPE);
    CHECK(signals() == std::vector<Sent>{{0, 100, kSigPipe}});
}

TEST_CASE("a signal ends the wait of a reader") {
    World w;
    Ends p;
    on_sleep([] {
        interrupt(true);
        return true;
    });
    char c;
    loff_t at = 0;
    CHECK(error_of(kernel_read(*p.in, &c, 1, at)) == Errno::ERESTARTSYS);
    interrupt(false);
    Ends n(O_NONBLOCK);
    CHECK(error_of(kernel_read(*n.in, &c, 1, at)) == Errno::EAGAIN);
}

TEST_CASE("F_SETPIPE_SZ keeps the contents and refuses to drop any") {
    World w;
    Ends p;
    REQUIRE(p.write(std::string(5000, 'a') + "tail").ok());
    CHECK(p.read(1000).size() == 1000);
    CHECK(error_of(pipe_of(*p.in)->resize(4096)) == Errno::OK);
    CHECK(pipe_of(*p.in)->capacity() == 4096);
    CHECK(error_of(p.write(std::string(93, 'x'))) ==
          Errno::ERESTARTSYS);  // 92 are free: it would sleep for ever
    CHECK(error_of(pipe_of(*p.in)->resize(1)) == Errno::OK);
    interrupt(false);
    REQUIRE(pipe_of(*p.in)->resize(100000).value() == 131072);
    CHECK(p.read(5000) == std::string(4000, 'a') + "tail");
}

TEST_CASE("a fault in a program's buffer gives what was copied, or EFAULT") {
    World w;
    Ends p;
    std::string buffer(8192, '.');
    fault_at(buffer.data() + 10, buffer.data() + 8192);
    REQUIRE(p.write("0123456789abcdef").ok());
    loff_t at = 0;
    CHECK(vfs_read(p.in.get(), address(buffer.data()), 16, &at) == 10);
    CHECK(vfs_read(p.in.get(), address(buffer.data() + 20), 16, &at) == -14);
    fault_at(nullptr, nullptr);
    CHECK(p.read(16) == "abcdef");
}

TEST_CASE("fifos meet by name") {
    World w;
    REQUIRE(vfs_mknod(AT_FDCWD, "/fifo", S_IFIFO | 0600, 0).ok());
    CHECK(error_of(vfs_open("/fifo", O_WRONLY | O_NONBLOCK, 0)) == Errno::ENXIO);
    RefPtr<File> in = vfs_open("/fifo", O_RDONLY | O_NONBLOCK, 0).release_value();
    CHECK((in->poll(nullptr) & POLLHUP) == 0);  // no writer yet is no hang-up
    RefPtr<File> out = vfs_open("/fifo", O_WRONLY, 0).release_value();
    loff_t at = 0;
    REQUIRE(kernel_write(*out, "hi", 2, at).ok());
    char text[3] = {};
    REQUIRE(kernel_read(*in, text, 2, at).value() == 2);
    CHECK(std::string(text) == "hi");
    out.reset();
    CHECK((in->poll(nullptr) & POLLHUP) != 0);
    in.reset();
    // Opening for reading waits for a writer.
    RefPtr<File> late;
    on_sleep([&] {
        late = vfs_open("/fifo", O_RDWR, 0).release_value();
        return true;
    });
    CHECK(error_of(vfs_open("/fifo", O_RDONLY, 0)) == Errno::OK);
}
