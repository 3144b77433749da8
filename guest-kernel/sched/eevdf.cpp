// EEVDF's arithmetic (sched/eevdf.h).
#include "sched/eevdf.h"

void EevdfQueue::ByDeadline::update(EevdfEntity& e, const EevdfEntity* left, const EevdfEntity* right) {
    e.least = e.vruntime;
    if (left) e.least = min(e.least, left->least);
    if (right) e.least = min(e.least, right->least);
}

i64 EevdfQueue::average() const {
    if (load_ == 0) return base_;
    i64 mean = sum_ / load_;
    if (sum_ % load_ < 0) mean--;  // rounded down: whoever is exactly there is eligible
    return base_ + mean;
}

bool EevdfQueue::eligible(const EevdfEntity& e) const {
    return eligible_at(e.vruntime);
}

void EevdfQueue::rebase() {
    const i64 now = average();
    sum_ -= (now - base_) * load_;
    base_ = now;
}

void EevdfQueue::insert(EevdfEntity& e) {
    tree_.insert(&e);
    sum_ += (e.vruntime - base_) * e.weight;
    load_ += e.weight;
    count_++;
}

void EevdfQueue::remove(EevdfEntity& e) {
    tree_.remove(&e);
    sum_ -= (e.vruntime - base_) * e.weight;
    load_ -= e.weight;
    count_--;
}

void EevdfQueue::enqueue(EevdfEntity& e) {
    rebase();
    const i64 limit = virtual_ns(kLagLimitNs, e.weight);
    i64 lag = min(max(e.lag, -limit), limit);
    // Its coming moves V towards it: what it is owed must be right afterwards (Linux, place_entity).
    if (load_ > 0) lag = lag * (load_ + e.weight) / load_;
    e.vruntime = base_ - (load_ > 0 ? lag : 0);
    const i64 slice = virtual_ns(kSliceNs, e.weight);
    e.deadline = e.vruntime + (e.placed ? slice : slice / 2);
    e.placed = true;
    insert(e);
}

void EevdfQueue::dequeue(EevdfEntity& e) {
    const i64 limit = virtual_ns(kLagLimitNs, e.weight);
    e.lag = min(max(average() - e.vruntime, -limit), limit);
    remove(e);
    rebase();
}

bool EevdfQueue::account(EevdfEntity& e, u64 ns) {
    const i64 passed = virtual_ns(static_cast<i64>(ns), e.weight);
    if (!e.node.linked()) {
        e.lag -= passed;
        return false;
    }
    if (e.vruntime + passed < e.deadline) {
        e.vruntime += passed;
        sum_ += passed * e.weight;
        tree_.refresh(&e);
        rebase();
        return false;
    }
    remove(e);
    e.vruntime += passed;
    e.deadline = e.vruntime + virtual_ns(kSliceNs, e.weight);
    insert(e);
    rebase();
    return true;
}

EevdfEntity* EevdfQueue::pick(EevdfEntity* running) const {
    if (running && running->node.linked() && eligible(*running)) return running;
    for (EevdfEntity* e = tree_.root(); e;) {
        EevdfEntity* left = Entities::left(e);
        if (left && eligible_at(left->least))
            e = left;
        else if (eligible(*e))
            return e;
        else
            e = Entities::right(e);
    }
    return nullptr;
}

void EevdfQueue::yield(EevdfEntity& e) {
    if (count_ < 2 || !eligible(e)) return;
    account(e, static_cast<u64>((e.deadline - e.vruntime) * e.weight / kNominalWeight + 1));
}
