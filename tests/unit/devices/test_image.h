// A disk image for a test: a file that goes with its owner.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <vector>

#include "emulator/isa/types.h"
#include "tests/unit/catch.h"

namespace orrery::test {

struct TestImage {
    explicit TestImage(size_t size) : bytes(size) {
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<u8>(i / 512 + i * 3);
        const int fd = mkstemp(path);
        REQUIRE(fd >= 0);
        REQUIRE(write(fd, bytes.data(), size) == static_cast<ssize_t>(size));
        close(fd);
    }
    TestImage(const TestImage&) = delete;
    TestImage& operator=(const TestImage&) = delete;
    ~TestImage() { std::remove(path); }

    char path[32] = "/tmp/orrery-disk-XXXXXX";
    std::vector<u8> bytes;
};

}  // namespace orrery::test
