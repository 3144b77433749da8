// The OOM killer: which process dies when memory is gone.
//
// Guarantees: the victim is the process with the largest resident set (plus oom_score_adj), never init, never
// one that is already dying; it gets SIGKILL. Wording of the log lines: Linux's.
#include "core/printk.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/mm_struct.h"
#include "mm/vmstat.h"
#include "task/pid.h"
#include "task/signal.h"

bool out_of_memory() {
    task_struct* victim = nullptr;
    i64 worst = 0;
    {
        const auto table = task_table.lock();
        for (task_struct& task : table->list) {
            if (task.pid != task.tgid || task.pid <= 1 || !task.mm || task.flags & PF_KTHREAD) continue;
            if (task.signal->oom_score_adj == -1000) continue;
            if (fatal_signal_pending(&task)) return true;  // one is on its way out: let it
            const i64 adjust = task.signal->oom_score_adj * static_cast<i64>(buddy_total_pages()) / 1000;
            const i64 score = static_cast<i64>(task.mm->rss()) + adjust;
            if (score > worst) {
                worst = score;
                victim = &task;
            }
        }
        if (victim) task_get(victim);
    }
    if (!victim) return false;
    printk(KERN_ERR "Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB\n",
           victim->pid, victim->comm, victim->mm->total_vm * 4, victim->mm->rss_anon * 4,
           victim->mm->rss_file * 4);
    count_vm_event(VmEvent::oom_kill);
    (void)send_signal_process(victim, kSigKill).ok();
    task_put(victim);
    return true;
}
