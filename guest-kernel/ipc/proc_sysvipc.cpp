// /proc/sysvipc: the objects of the reader's namespace, as ipcs(1) reads them (proc(5)).
#include "ipc/ipc.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"

using ull = unsigned long long;

Result<void> show_sysvipc_shm(KString& out) {
    TRY(out.append(
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
        "atime      dtime      ctime                   rss                  swap\n"));
    Result<void> shown;
    current_ipc().shm.lock()->for_each([&](const ShmSegment& s) {
        if (!shown.ok()) return;
        shown = out.appendf(
            "%10d %10d  %4o %21llu %5d %5d  %5llu %5u %5u %5u %5u %10lld %10lld %10lld %21llu %21u\n", s.key,
            s.id, s.mode, static_cast<ull>(s.size), s.creator, s.last, static_cast<ull>(s.attached), s.uid,
            s.gid, s.cuid, s.cgid, static_cast<long long>(s.atime), static_cast<long long>(s.dtime),
            static_cast<long long>(s.ctime), static_cast<ull>(s.pages->pages->page_count() << kPageShift),
            0u);
    });
    return shown;
}

Result<void> show_sysvipc_sem(KString& out) {
    TRY(out.append("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"));
    Result<void> shown;
    current_ipc().sem.lock()->for_each([&](const SemSet& s) {
        if (!shown.ok()) return;
        shown = out.appendf("%10d %10d  %4o %10llu %5u %5u %5u %5u %10lld %10lld\n", s.key, s.id, s.mode,
                            static_cast<ull>(s.semaphores.size()), s.uid, s.gid, s.cuid, s.cgid,
                            static_cast<long long>(s.otime), static_cast<long long>(s.ctime));
    });
    return shown;
}

Result<void> show_sysvipc_msg(KString& out) {
    TRY(out.append(
        "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      "
        "stime      rtime      ctime\n"));
    Result<void> shown;
    current_ipc().msg.lock()->for_each([&](const MsgQueue& q) {
        if (!shown.ok()) return;
        shown =
            out.appendf("%10d %10d  %4o  %10llu %10llu %5d %5d %5u %5u %5u %5u %10lld %10lld %10lld\n", q.key,
                        q.id, q.mode, static_cast<ull>(q.bytes), static_cast<ull>(q.count), q.last_sender,
                        q.last_receiver, q.uid, q.gid, q.cuid, q.cgid, static_cast<long long>(q.stime),
                        static_cast<long long>(q.rtime), static_cast<long long>(q.ctime));
    });
    return shown;
}
