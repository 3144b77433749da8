#include "tests/isa/objdump.h"

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace orrery::testing {
namespace {

// Lines that hold nothing but prefixes: objdump gives them a line of their own where it does not understand
// what follows, or counts a prefix as superfluous.
bool only_prefixes(const std::string& text) {
    static constexpr const char* kWords[] = {"lock",   "repz",   "repnz", "data16", "data32",
                                             "addr16", "addr32", "cs",    "ds",     "es",
                                             "ss",     "fs",     "gs",    "bnd",    "rex"};
    std::size_t at = 0;
    while ((at = text.find_first_not_of(' ', at)) != text.npos) {
        std::size_t end = std::min(text.find(' ', at), text.size());
        std::string word = text.substr(at, end - at);
        bool known = word.rfind("rex.", 0) == 0;
        for (const char* w : kWords) known |= word == w;
        if (!known) return false;
        at = end;
    }
    return true;
}

// Fills [at, end) with as few instructions as can be, so that objdump has little to print between two cases
// and always meets the next one at its first byte.
void fill_with_nops(u8* at, u8* end, CpuMode mode) {
    const u8 wide[] = {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};  // nop [rax+rax+disp32]
    const u8 narrow[] = {0x0f, 0x1f, 0x80, 0, 0};         // nop [bx+si+disp16]
    const u8* nop = mode == CpuMode::Bits16 ? narrow : wide;
    std::ptrdiff_t size = mode == CpuMode::Bits16 ? sizeof narrow : sizeof wide;
    while (end - at >= size) {
        std::ptrdiff_t length = std::min<std::ptrdiff_t>(end - at, kMaxInsnLength);
        std::memset(at, 0x2e, static_cast<std::size_t>(length - size));
        std::memcpy(at + length - size, nop, static_cast<std::size_t>(size));
        at += length;
    }
    std::memset(at, 0x90, static_cast<std::size_t>(end - at));
}

}  // namespace

std::vector<ObjdumpLine> objdump(CpuMode mode, const std::vector<DecoderCase>& cases,
                                 const std::vector<unsigned>& lengths) {
    char path[] = "/tmp/orrery-objdump-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) throw std::runtime_error("cannot make a temporary file");
    std::unique_ptr<char, void (*)(char*)> remove_file(path, [](char* p) { unlink(p); });
    {
        std::vector<u8> image(cases.size() * kObjdumpSlot, 0);
        for (std::size_t n = 0; n < cases.size(); ++n) {
            u8* slot = &image[n * kObjdumpSlot];
            std::memcpy(slot, cases[n].bytes.data(), lengths[n]);
            fill_with_nops(slot + lengths[n], slot + kObjdumpSlot, mode);
        }
        std::size_t done = 0;
        while (done < image.size()) {
            ssize_t got = write(fd, image.data() + done, image.size() - done);
            if (got <= 0) throw std::runtime_error("cannot write a temporary file");
            done += static_cast<std::size_t>(got);
        }
        close(fd);
    }
    const char* machine = mode == CpuMode::Bits64   ? "i386:x86-64 -M intel64"
                          : mode == CpuMode::Bits32 ? "i386"
                                                    : "i8086";
    std::string command =
        std::string("objdump -D -z -w -b binary --insn-width=15 -M intel -m ") + machine + " " + path;
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    if (!pipe) throw std::runtime_error("cannot run objdump");

    std::vector<ObjdumpLine> out(cases.size());
    std::vector<bool> open(cases.size(), true);  // first line not complete yet
    char line[512];
    while (std::fgets(line, sizeof line, pipe.get())) {
        char* rest = nullptr;
        unsigned long long address = std::strtoull(line, &rest, 16);
        if (rest == line || *rest != ':') continue;
        std::size_t n = address / kObjdumpSlot;
        if (n >= cases.size() || !open[n]) continue;
        char* hex = rest + 1;
        while (*hex == '\t' || *hex == ' ') ++hex;
        char* text = std::strchr(hex, '\t');
        if (address % kObjdumpSlot != out[n].length) continue;
        unsigned count = 0;
        for (char* p = hex; p < (text ? text : hex + std::strlen(hex)) && *p != ' ' && *p != '\n'; p += 3)
            ++count;
        std::string body = text ? text + 1 : "";
        while (!body.empty() && (body.back() == '\n' || body.back() == ' ')) body.pop_back();
        out[n].length += count;
        out[n].text += (out[n].text.empty() ? "" : " ") + body;
        open[n] = only_prefixes(body) && out[n].length < lengths[n];
    }
    return out;
}

}  // namespace orrery::testing
