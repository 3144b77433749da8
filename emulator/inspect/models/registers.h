// The window "Registers": one CPU's state, decoded. Intel SDM vol. 1, 3.4; vol. 3A, 2.1-2.5.
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct RegisterRow {
    std::string name;
    u64 value = 0;
    unsigned bits = 64;
    std::string note;  // a symbol, or what the set bits mean; may be empty
};

struct FlagRow {
    std::string name;  // "ZF"
    unsigned bit = 0;
    bool set = false;
    std::string meaning;  // "zero: the result was 0"
};

struct SegmentRow {
    std::string name;
    u16 selector = 0;
    u64 base = 0;
    u32 limit = 0;
    std::string note;  // "64-bit code, DPL 3"
};

struct WideRegisterRow {
    std::string name;   // "XMM0", "ST0"
    std::string value;  // hexadecimal
    std::string note;   // as floating-point numbers; "empty"
};

struct RegistersModel {
    unsigned cpu = 0;
    u64 instructions = 0;
    u64 ticks = 0;
    unsigned ring = 0;
    std::string mode;      // "64-bit", "32-bit compatibility", "32-bit protected", "16-bit protected", "real"
    std::string activity;  // "running", "halted", "waiting for SIPI", "monitoring a line", "shut down"
    std::string location;  // "do_syscall_64+0x1c", or empty
    std::string source;    // "guest-kernel/syscall/dispatch.cpp:42", or empty
    std::string task;      // "ls (pid 12)", or empty
    std::vector<RegisterRow> general;  // RAX … R15, RIP
    u64 rflags = 0;
    std::vector<FlagRow> flags;  // CF PF AF ZF SF TF IF DF OF IOPL… : bit 12 stands for both bits of IOPL
    unsigned iopl = 0;
    std::vector<SegmentRow> segments;  // CS SS DS ES FS GS LDTR TR
    std::vector<RegisterRow> tables;   // GDTR and IDTR bases; the limit is in the note
    std::vector<RegisterRow> control;  // CR0 CR2 CR3 CR4, debug registers that are in use
    std::vector<RegisterRow> msrs;     // EFER STAR LSTAR FMASK FS_BASE GS_BASE KERNEL_GS_BASE …
    std::vector<WideRegisterRow> x87;  // only where asked for, as the next
    std::vector<WideRegisterRow> vectors;
    std::vector<RegisterRow> float_control;  // FCW FSW FTW MXCSR
};

struct RegistersParameters {
    bool floating_point = false;
};

RegistersModel registers_model(const ModelContext& context, const RegistersParameters& parameters);
std::string to_text(const RegistersModel& model);
Json to_json(const RegistersModel& model);

// "SCE LME LMA NXE": the names of the bits that are set.
std::string cr0_text(u64 value);
std::string cr4_text(u64 value);
std::string efer_text(u64 value);

}  // namespace orrery
