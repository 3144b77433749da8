// ipc(2), by which 32-bit programs reach System V's objects if their C library is older than Linux 5.1's single calls
// (Linux: ipc/syscall.c).
//
// Guarantees: structures are those of IPC_64; a command without that bit (a C library of before 1999) is EINVAL.
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"

namespace {

constexpr int kIpc64 = 0x100;
constexpr int kIpcSet = 1, kIpcStat = 2;

/// The command without IPC_64's bit. EINVAL: the structure would be the oldest one.
Result<int> modern(int command) {
    if (command & kIpc64) return command & ~kIpc64;
    if (command == kIpcSet || command == kIpcStat) return Errno::EINVAL;
    return int{command};
}

SysResult receive(int version, int first, u32 second, u32 third, u64 pointer, u32 fifth) {
    if (static_cast<i32>(second) < 0 || first < 0) return Errno::EINVAL;
    if (version) return sys_msgrcv(first, pointer, second, static_cast<i32>(fifth), static_cast<int>(third));
    u32 kludge[2];  // the buffer and the type
    TRY(UserBytes(pointer).copy_in(kludge, sizeof(kludge)));
    return sys_msgrcv(first, kludge[0], second, static_cast<i32>(kludge[1]), static_cast<int>(third));
}

SysResult attach(int version, int first, u32 second, u32 third, u64 pointer) {
    if (version == 1) return Errno::EINVAL;
    const long address = TRY(sys_shmat(first, pointer, static_cast<int>(second)));
    TRY(UserPtr<u32>(third).write(static_cast<u32>(address)));
    return 0l;
}

}  // namespace

SysResult ia32_ipc(u32 call, int first, u32 second, u32 third, u64 pointer, u32 fifth) {
    enum : u32 {
        kSemop = 1,
        kSemget = 2,
        kSemctl = 3,
        kSemtimedop = 4,
        kMsgsnd = 11,
        kMsgrcv = 12,
        kMsgget = 13,
        kMsgctl = 14,
        kShmat = 21,
        kShmdt = 22,
        kShmget = 23,
        kShmctl = 24,
    };
    const int version = static_cast<int>(call >> 16), by_sign = static_cast<int>(third);
    switch (call & 0xffff) {
        case kSemop:
            return sys_semtimedop(first, UserBytes(pointer), second, 0);
        case kSemtimedop:
            return sys_semtimedop(first, UserBytes(pointer), second, fifth);
        case kSemget:
            return sys_semget(first, static_cast<int>(second), by_sign);
        case kSemctl:
            if (!pointer) return Errno::EINVAL;
            return sys_semctl(first, static_cast<int>(second), TRY(modern(by_sign)),
                              TRY(UserPtr<u32>(pointer).read()));
        case kMsgsnd:
            return sys_msgsnd(first, pointer, static_cast<u64>(static_cast<i32>(second)), by_sign);
        case kMsgrcv:
            return receive(version, first, second, third, pointer, fifth);
        case kMsgget:
            return sys_msgget(first, static_cast<int>(second));
        case kMsgctl:
            return sys_msgctl(first, TRY(modern(static_cast<int>(second))), UserBytes(pointer));
        case kShmat:
            return attach(version, first, second, third, pointer);
        case kShmdt:
            return sys_shmdt(pointer);
        case kShmget:
            return sys_shmget(first, second, by_sign);
        case kShmctl:
            return sys_shmctl(first, TRY(modern(static_cast<int>(second))), UserBytes(pointer));
        default:
            return Errno::ENOSYS;
    }
}
