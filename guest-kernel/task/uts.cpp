// The system's name: release 6.1.0-orrery, which is what glibc and Debian's programs are told
// (task/uts.h).
//
// Guarantees: the version line carries no build date: the same sources give the same kernel.
#include "task/uts.h"

#include "core/string.h"
#include "mm/user_ptr.h"
#include "syscall/syscalls.h"
#include "task/aslr.h"
#include "task/namespaces.h"
#include "task/task.h"

KUtsname init_uts = {"Linux", "orrery", "6.1.0-orrery", "#1 Orrery", "x86_64", "(none)"};

void read_uts(KUtsname& uts) {
    uts = current_uts();
    if (current()->personality & 0x0020000) memcpy(uts.release, "2.6.60", 7);  // UNAME26
    if ((current()->personality & kPersonalityDomain) == kPersonalityLinux32) memcpy(uts.machine, "i686", 5);
}

SysResult sys_uname(UserPtr<KUtsname> name) {
    KUtsname copy;
    read_uts(copy);
    TRY(name.write(copy));
    return 0;
}

namespace {

SysResult set_name(char (&field)[65], UserPtr<char> name, int length) {
    if (!current()->cred.has_in(current()->nsproxy->uts->owner, kCapSysAdmin)) return Errno::EPERM;
    if (length < 0 || length > 64) return Errno::EINVAL;
    char text[65] = {};
    TRY(name.copy_in(text, static_cast<size_t>(length)));
    memcpy(field, text, sizeof(text));
    return 0;
}

}  // namespace

SysResult sys_sethostname(UserPtr<char> name, int length) {
    return set_name(current_uts().nodename, name, length);
}
SysResult sys_setdomainname(UserPtr<char> name, int length) {
    return set_name(current_uts().domainname, name, length);
}
