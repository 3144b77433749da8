// Wait queues and poll waiting (sync/wait_queue.h).
//
// Guarantees: as in the header.
#include "sync/wait_queue.h"

#include "sched/sched.h"
#include "task/task.h"

namespace {

void default_wake(WaitEntry* entry) {
    wake_up_process(entry->task);
}

void wake_entry(WaitEntry* entry) {
    (entry->func ? entry->func : default_wake)(entry);
}

}  // namespace

void WaitQueue::wake_all() {
    IrqGuard guard(lock_);
    entries_.for_each_safe([](WaitEntry& entry) { wake_entry(&entry); });
}

void WaitQueue::wake_one() {
    IrqGuard guard(lock_);
    bool woken = false;
    entries_.for_each_safe([&](WaitEntry& entry) {
        if (entry.exclusive && woken) return;
        if (entry.exclusive) woken = true;
        wake_entry(&entry);
    });
}

void WaitQueue::add(WaitEntry* entry) {
    IrqGuard guard(lock_);
    entries_.push_back(entry);
}

void WaitQueue::remove(WaitEntry* entry) {
    IrqGuard guard(lock_);
    if (entry->node.linked()) entry->node.remove();
}

void WaitQueue::prepare(WaitEntry* entry, u32 state) {
    IrqGuard guard(lock_);
    if (!entry->node.linked()) entries_.push_back(entry);
    current()->state = state;
}

void WaitQueue::finish(WaitEntry* entry) {
    current()->state = TASK_RUNNING;
    remove(entry);
}

namespace wait_detail {

bool sleep_until(u64 deadline_ns) {
    return schedule_until(deadline_ns);
}

u64 deadline_after(u64 ns) {
    return ::deadline_after(ns);
}

bool interrupted(u32 state) {
    if (state & TASK_INTERRUPTIBLE) return signal_pending(current());
    return state & TASK_WAKEKILL && fatal_signal_pending(current());
}

}  // namespace wait_detail

PollWaiter::~PollWaiter() {
    for (Entry* e = entries_; e;) {
        Entry* next = e->next;
        e->queue->remove(&e->wait);
        if (e < inline_entries_ || e >= inline_entries_ + 8) delete e;
        e = next;
    }
}

void PollWaiter::on_wake(WaitEntry* entry) {
    auto* waiter = static_cast<PollWaiter*>(entry->data);
    waiter->triggered_ = true;
    wake_up_process(waiter->task_);
}

void PollWaiter::add(WaitQueue& queue) {
    Entry* entry = used_ < 8 ? &inline_entries_[used_] : new (std::nothrow) Entry;
    if (!entry) {
        out_of_memory_ = true;
        return;
    }
    used_++;
    entry->wait.task = task_;
    entry->wait.func = on_wake;
    entry->wait.data = this;
    entry->queue = &queue;
    entry->next = entries_;
    entries_ = entry;
    queue.add(&entry->wait);
}

Result<void> PollWaiter::wait(u64 deadline_ns) {
    if (out_of_memory_) return Errno::ENOMEM;
    Result<void> result;
    for (bool in_time = true;;) {
        task_->state = TASK_INTERRUPTIBLE;
        if (triggered_) break;
        if (signal_pending(task_)) {
            result = Errno::ERESTARTSYS;
            break;
        }
        if (!in_time) {
            result = Errno::ETIMEDOUT;
            break;
        }
        in_time = schedule_until(deadline_ns);
    }
    task_->state = TASK_RUNNING;
    triggered_ = false;
    return result;
}
