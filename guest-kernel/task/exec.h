// Replacing the program of a process (execve(2)).
//
// Guarantees: see exec.cpp.
#pragma once

#include "arch/x86_64/thread.h"
#include "core/string_buf.h"
#include "core/vector.h"
#include "fs/file.h"
#include "mm/mm_struct.h"
#include "task/credentials.h"

/// A program being prepared: everything is built in a new address space before the old one goes.
struct BinaryProgram {
    RefPtr<File> file;        // what is loaded
    RefPtr<File> executable;  // what was asked for (a script's own file is not this)
    KString filename;         // AT_EXECFN
    KString interp;           // the name given to a script's interpreter
    mm_struct* mm = nullptr;
    u64 stack_top = 0;
    u64 p = 0;  // top of what is on the new stack so far
    int argc = 0, envc = 0;
    u8 head[256] = {};  // first bytes of `file`
    Credentials cred;   // what the process will have
    bool secure = false;
    bool ia32 = false;  // a 32-bit program
    bool write_denied = false;

    BinaryProgram() = default;
    BinaryProgram(const BinaryProgram&) = delete;
    BinaryProgram& operator=(const BinaryProgram&) = delete;
    ~BinaryProgram();
};

/// Run the program at `path` in the kernel thread that calls, which becomes a user process. Errors as
/// execve(2).
Result<void> kernel_execve(const char* path, const char* const* argv, const char* const* envp);
/// Map the ELF file of `program` and set up its stack; past the point of no return in begin_new_program.
Result<void> load_elf(BinaryProgram& program, pt_regs* regs);
/// The current task takes over program.mm and forgets its old program. After this only SIGKILL is left as an
/// error.
Result<void> begin_new_program(BinaryProgram& program);
/// Fills program.cred and `secure` from the caller's credentials and program.file. EPERM.
Result<void> prepare_credentials(BinaryProgram& program);
/// Put bytes on the new stack.
Result<void> push_bytes(BinaryProgram& program, const void* bytes, size_t size);
pt_regs* task_user_regs();
