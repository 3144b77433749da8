// The calls of 32-bit programs with users and groups of 16 bits (Linux: kernel/uid16.c).
//
// Guarantees: an id that has no 16 bits is shown as 65534, the overflow id; 65535 means "no change", as -1 does.
#include "core/vector.h"
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u16 kOverflowId = 65534;

constexpr u32 widen(u16 id) {
    return id == 0xffff ? ~0u : id;
}
constexpr u16 narrow(u32 id) {
    return id > 0xffff ? kOverflowId : static_cast<u16>(id);
}

Result<void> write_three(const u32 (&ids)[3], UserPtr<u16> a, UserPtr<u16> b, UserPtr<u16> c) {
    TRY(a.write(narrow(ids[0])));
    TRY(b.write(narrow(ids[1])));
    return c.write(narrow(ids[2]));
}

}  // namespace

SysResult ia32_chown16(UserString path, u16 uid, u16 gid) {
    return sys_chown(path, widen(uid), widen(gid));
}
SysResult ia32_lchown16(UserString path, u16 uid, u16 gid) {
    return sys_lchown(path, widen(uid), widen(gid));
}
SysResult ia32_fchown16(int fd, u16 uid, u16 gid) {
    return sys_fchown(fd, widen(uid), widen(gid));
}
SysResult ia32_setuid16(u16 uid) {
    return sys_setuid(widen(uid));
}
SysResult ia32_setgid16(u16 gid) {
    return sys_setgid(widen(gid));
}
SysResult ia32_setreuid16(u16 ruid, u16 euid) {
    return sys_setreuid(widen(ruid), widen(euid));
}
SysResult ia32_setregid16(u16 rgid, u16 egid) {
    return sys_setregid(widen(rgid), widen(egid));
}
SysResult ia32_setresuid16(u16 ruid, u16 euid, u16 suid) {
    return sys_setresuid(widen(ruid), widen(euid), widen(suid));
}
SysResult ia32_setresgid16(u16 rgid, u16 egid, u16 sgid) {
    return sys_setresgid(widen(rgid), widen(egid), widen(sgid));
}
SysResult ia32_getresuid16(UserPtr<u16> ruid, UserPtr<u16> euid, UserPtr<u16> suid) {
    const Credentials& c = current()->cred;
    TRY(write_three({c.shown_uid(c.uid), c.shown_uid(c.euid), c.shown_uid(c.suid)}, ruid, euid, suid));
    return 0l;
}
SysResult ia32_getresgid16(UserPtr<u16> rgid, UserPtr<u16> egid, UserPtr<u16> sgid) {
    const Credentials& c = current()->cred;
    TRY(write_three({c.shown_gid(c.gid), c.shown_gid(c.egid), c.shown_gid(c.sgid)}, rgid, egid, sgid));
    return 0l;
}
SysResult ia32_setfsuid16(u16 uid) {
    return long{narrow(static_cast<u32>(TRY(sys_setfsuid(widen(uid)))))};
}
SysResult ia32_setfsgid16(u16 gid) {
    return long{narrow(static_cast<u32>(TRY(sys_setfsgid(widen(gid)))))};
}
SysResult ia32_getuid16() {
    return long{narrow(current()->cred.shown_uid(current()->cred.uid))};
}
SysResult ia32_getgid16() {
    return long{narrow(current()->cred.shown_gid(current()->cred.gid))};
}
SysResult ia32_geteuid16() {
    return long{narrow(current()->cred.shown_uid(current()->cred.euid))};
}
SysResult ia32_getegid16() {
    return long{narrow(current()->cred.shown_gid(current()->cred.egid))};
}
