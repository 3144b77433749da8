// Wait queues and poll waiting (sync/wait_queue.h).
//
// Guarantees: as in the header.
#include "sync/wait_queue.h"

#include "sched/sched.h"
#include "task/task.h"

namespace {

bool default_wake(WaitEntry* entry, u32) {
    wake_up_process(entry->task);
    return true;
}

bool wake_entry(WaitEntry* entry, u32 events) {
    return (entry->func ? entry->func : default_wake)(entry, events);
}

}  // namespace

void WaitQueue::wake_all(u32 events) {
    IrqGuard guard(lock_);
    entries_.for_each_safe([&](WaitEntry& entry) { wake_entry(&entry, events); });
}

void WaitQueue::wake_one(u32 events) {
    IrqGuard guard(lock_);
    bool woken = false;
    entries_.for_each_safe([&](WaitEntry& entry) {
        if (entry.exclusive && woken) return;
        if (wake_entry(&entry, events) && entry.exclusive) woken = true;
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
    set_current_state(state);
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

bool PollWaiter::on_wake(WaitEntry* entry, u32) {
    auto* waiter = static_cast<PollWaiter*>(entry->data);
    const bool first = !waiter->triggered_;
    waiter->triggered_ = true;
    wake_up_process(waiter->task_);
    return first;
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
    entry->wait.exclusive = exclusive;
    entry->queue = &queue;
    entry->next = entries_;
    entries_ = entry;
    queue.add(&entry->wait);
}

Result<void> PollWaiter::wait(u64 deadline_ns) {
    if (out_of_memory_) return Errno::ENOMEM;
    Result<void> result;
    for (bool in_time = true;;) {
        set_current_state(TASK_INTERRUPTIBLE);
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
