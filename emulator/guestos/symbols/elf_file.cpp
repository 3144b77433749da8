// Opening an ELF file, with errors for people.
#include "emulator/guestos/symbols/elf_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "emulator/guestos/symbols/symbols.h"

namespace orrery {

ElfFile::ElfFile(const std::string& path) {
    elf_version(EV_CURRENT);
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw DebugInfoError(path + ": " + std::strerror(errno));
    elf_ = elf_begin(fd_, ELF_C_READ_MMAP, nullptr);
    size_t sections = 0;
    if (elf_ == nullptr || elf_kind(elf_) != ELF_K_ELF || elf_getshdrnum(elf_, &sections) != 0) {
        if (elf_ != nullptr) elf_end(elf_);
        ::close(fd_);
        throw DebugInfoError(path + ": not an ELF file, or a damaged one");
    }
}

ElfFile::~ElfFile() {
    elf_end(elf_);
    ::close(fd_);
}

}  // namespace orrery
