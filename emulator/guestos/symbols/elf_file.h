// An ELF file opened by libelf, closed at the end of its scope.
#pragma once

#include <libelf.h>

#include <string>

namespace orrery {

class ElfFile {
  public:
    // Throws DebugInfoError: cannot be opened, empty, or not an ELF file.
    explicit ElfFile(const std::string& path);
    ~ElfFile();
    ElfFile(const ElfFile&) = delete;
    ElfFile& operator=(const ElfFile&) = delete;

    Elf* elf() const { return elf_; }
    int descriptor() const { return fd_; }

  private:
    int fd_ = -1;
    Elf* elf_ = nullptr;
};

}  // namespace orrery
