// null, zero, full, random, urandom and kmsg.
#include "drivers/mem_devices.h"

#include "core/printk.h"
#include "core/random.h"
#include "drivers/base/device.h"
#include "fs/chrdev.h"
#include "fs/cred.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"

namespace {

constexpr u32 kMemMajor = 1;

// Reads at a device have no position; lseek on null, zero and full answers the position 0, as Linux does.
class MemFile : public File {
  public:
    using File::File;
    Result<loff_t> seek(loff_t, int) override {
        position = 0;
        return loff_t{0};
    }
    Result<size_t> write(IovIter& from, loff_t&) override {
        const size_t n = from.remaining();
        from.truncate(0);
        return size_t{n};
    }
};

class NullFile final : public MemFile {
  public:
    using MemFile::MemFile;
    Result<size_t> read(IovIter&, loff_t&) override { return size_t{0}; }
};

Result<size_t> read_zeroes(IovIter& to) {
    size_t done = 0;
    while (to.remaining() > 0) {
        const size_t n = min<size_t>(to.remaining(), 64 * 1024);
        const size_t moved = to.zero(n);
        done += moved;
        if (moved < n) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        if (signal_pending(current())) break;
        cond_resched();
    }
    return size_t{done};
}

class ZeroFile final : public MemFile {
  public:
    using MemFile::MemFile;
    Result<size_t> read(IovIter& to, loff_t&) override { return read_zeroes(to); }
    bool maps_zeroes() const override { return true; }
};

class FullFile final : public MemFile {
  public:
    using MemFile::MemFile;
    Result<size_t> read(IovIter& to, loff_t&) override { return read_zeroes(to); }
    Result<size_t> write(IovIter&, loff_t&) override { return Errno::ENOSPC; }
};

class RandomFile final : public MemFile {
  public:
    using MemFile::MemFile;
    Result<size_t> read(IovIter& to, loff_t&) override;
    Result<size_t> write(IovIter& from, loff_t&) override;
    Result<long> ioctl(u32 request, u64 argument) override;
};

// random(4): the entropy count, in bits; Linux says 256 once its generator is seeded. The requests that change the
// pool are not there.
Result<long> RandomFile::ioctl(u32 request, u64 argument) {
    constexpr u32 kGetEntropyCount = 0x80045200;
    if (request != kGetEntropyCount) return Errno::EINVAL;
    TRY(UserPtr<i32>(argument).write(256));
    return 0L;
}

Result<size_t> RandomFile::read(IovIter& to, loff_t&) {
    u8 block[256];
    size_t done = 0;
    while (to.remaining() > 0) {
        const size_t n = min(to.remaining(), sizeof(block));
        get_random_bytes(block, n);
        const size_t moved = to.copy_to(block, n);
        done += moved;
        if (moved < n) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        if (done % 4096 != 0) continue;
        if (signal_pending(current())) break;
        cond_resched();
    }
    return size_t{done};
}

Result<size_t> RandomFile::write(IovIter& from, loff_t&) {
    u8 block[256];
    size_t done = 0;
    while (from.remaining() > 0) {
        const size_t n = min(from.remaining(), sizeof(block));
        const size_t moved = from.copy_from(block, n);
        add_device_randomness(block, moved);
        done += moved;
        if (moved < n) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
    }
    return size_t{done};
}

// /dev/kmsg: each read gives one record "level,sequence,microseconds,-;text\n" (Linux,
// Documentation/ABI/testing/dev-kmsg); each write adds one, "<N>" in front gives its level.
class KmsgFile final : public File {
  public:
    explicit KmsgFile(Inode& file_inode) : File(file_inode), next_(log_first_sequence()) {}
    Result<size_t> read(IovIter& to, loff_t&) override;
    Result<size_t> write(IovIter& from, loff_t&) override;
    Result<loff_t> seek(loff_t offset, int whence) override;
    u32 poll(PollTable*) override {
        return POLLOUT | POLLWRNORM | (next_ < log_next_sequence() ? POLLIN | POLLRDNORM : 0);
    }

  private:
    u64 next_;
};

Result<size_t> KmsgFile::read(IovIter& to, loff_t&) {
    if (next_ < log_first_sequence()) {
        next_ = log_first_sequence();
        return Errno::EPIPE;  // overwritten meanwhile
    }
    LogRecord record;
    if (!log_read(next_, &record)) return nonblocking() ? Errno::EAGAIN : Errno::EINVAL;
    char line[320];
    const int n = snprintf(line, sizeof(line), "%d,%llu,%llu,-;%s\n", record.level,
                           static_cast<unsigned long long>(record.sequence),
                           static_cast<unsigned long long>(record.time_ns / 1000), record.text);
    const size_t length = min<size_t>(static_cast<size_t>(n), sizeof(line) - 1);
    if (to.remaining() < length) return Errno::EINVAL;
    if (to.copy_to(line, length) != length) return Errno::EFAULT;
    next_++;
    return size_t{length};
}

Result<size_t> KmsgFile::write(IovIter& from, loff_t&) {
    char text[992];
    const size_t size = from.remaining();
    if (size >= sizeof(text)) return Errno::EINVAL;
    if (from.copy_from(text, size) != size) return Errno::EFAULT;
    text[size] = '\0';
    const char* body = text;
    unsigned level = 4;
    if (body[0] == '<' && body[1] >= '0' && body[1] <= '7' && body[2] == '>') {
        level = static_cast<unsigned>(body[1] - '0');
        body += 3;
    }
    size_t length = strlen(body);
    if (length > 0 && body[length - 1] == '\n') length--;
    printk("%c%u%.*s\n", KERN_SOH[0], level, static_cast<int>(length), body);
    return size_t{size};
}

Result<loff_t> KmsgFile::seek(loff_t offset, int whence) {
    if (offset != 0) return Errno::ESPIPE;
    switch (whence) {
        case SEEK_SET:
        case SEEK_DATA:
            next_ = log_first_sequence();
            return loff_t{0};
        case SEEK_END:
            next_ = log_next_sequence();
            return loff_t{0};
        default:
            return Errno::EINVAL;
    }
}

Result<RefPtr<File>> (*g_open_port)(Inode& inode, int flags) = nullptr;

Result<RefPtr<File>> open_mem(Inode& inode, int flags) {
    switch (dev_minor(inode.rdev)) {
        case 4:
            if (g_open_port) return g_open_port(inode, flags);
            return Errno::ENXIO;
        case 3:
            return RefPtr<File>(TRY(make_ref<NullFile>(inode)));
        case 5:
            return RefPtr<File>(TRY(make_ref<ZeroFile>(inode)));
        case 7:
            return RefPtr<File>(TRY(make_ref<FullFile>(inode)));
        case 8:
        case 9:
            return RefPtr<File>(TRY(make_ref<RandomFile>(inode)));
        case 11:
            return RefPtr<File>(TRY(make_ref<KmsgFile>(inode)));
        default:
            return Errno::ENXIO;
    }
}

DeviceClass g_mem_class("mem");
CharDevice g_mem = {"mem", kMemMajor, 0, 256, open_mem, nullptr};

}  // namespace

void init_mem_devices() {
    register_chrdev(&g_mem);
    class_register(g_mem_class);
    constexpr struct {
        const char* name;
        u32 mode;
        u32 minor;
    } kNodes[] = {{"null", 0666, 3},   {"zero", 0666, 5},    {"full", 0666, 7},
                  {"random", 0666, 8}, {"urandom", 0666, 9}, {"kmsg", 0644, 11}};
    for (const auto& node : kNodes)
        device_create(g_mem_class, nullptr, make_dev(kMemMajor, node.minor), node.mode, node.name);
}

void register_port_device(Result<RefPtr<File>> (*open)(Inode& inode, int flags)) {
    g_open_port = open;
    device_create(g_mem_class, nullptr, make_dev(kMemMajor, 4), 0600, "port");
}
