// /dev/port: reads and writes go to successive ports, one byte each (Linux, drivers/char/mem.c has the
// semantics).
#include "drivers/port_device.h"

#include "arch/x86_64/cpu.h"
#include "drivers/mem_devices.h"
#include "fs/cred.h"
#include "fs/file.h"

namespace {

constexpr loff_t kPorts = 65536;

class PortFile final : public File {
  public:
    using File::File;
    Result<size_t> read(IovIter& to, loff_t& at) override {
        size_t done = 0;
        while (to.remaining() > 0 && at < kPorts) {
            const u8 value = inb(static_cast<u16>(at));
            if (to.copy_to(&value, 1) != 1)
                return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
            at++;
            done++;
        }
        return size_t{done};
    }
    Result<size_t> write(IovIter& from, loff_t& at) override {
        size_t done = 0;
        while (from.remaining() > 0 && at < kPorts) {
            u8 value = 0;
            if (from.copy_from(&value, 1) != 1)
                return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
            outb(static_cast<u16>(at), value);
            at++;
            done++;
        }
        return size_t{done};
    }
};

Result<RefPtr<File>> open_port(Inode& inode, int) {
    if (!current_cred().has(kCapSysRawio)) return Errno::EPERM;
    return RefPtr<File>(TRY(make_ref<PortFile>(inode)));
}

}  // namespace

void init_port_device() {
    register_port_device(open_port);
}
