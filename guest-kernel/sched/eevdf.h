// Earliest Eligible Virtual Deadline First (Stoica and Abdel-Wahab, 1995), with the rules of Linux since 6.6: who runs
// next, by virtual times alone. No clock, no task, no lock: sched/fair.cpp has those.
//
// Each entity's virtual time goes at (nominal weight / its weight) of real time. The queue's, V, is the average of its
// entities', by weight. An entity's lag is what it was owed: V - vruntime; who is owed something, or nothing, is
// eligible. Of the eligible the one with the earliest deadline runs: the end of its slice, in virtual time.
//
// Guarantees: O(log n) operations. |lag| stays within two slices (or what account() charges at once). Lag outlasts a
// time outside the queue.
#pragma once

#include "core/tree.h"
#include "core/types.h"

constexpr u32 kNominalWeight = 1024;  // of nice 0

struct EevdfEntity {
    TreeNode node;
    i64 vruntime = 0;  ///< ns at nominal weight
    i64 deadline = 0;  ///< of its slice, the same
    i64 least = 0;     ///< smallest vruntime in its subtree
    i64 lag = 0;       ///< while in no queue: what it was owed when it left
    u32 weight = kNominalWeight;
    bool placed = false;  ///< it has been in a queue
};

class EevdfQueue {
  public:
    static constexpr i64 kSliceNs = 3'000'000;  // Linux's base slice, for one to a few CPUs
    static constexpr i64 kLagLimitNs = 2 * kSliceNs;

    u32 count() const { return count_; }
    /// V.
    i64 average() const;
    bool eligible(const EevdfEntity& e) const;
    /// `e` comes in, as far from V as when it left; a new one at V, with half a slice to its deadline.
    void enqueue(EevdfEntity& e);
    void dequeue(EevdfEntity& e);
    /// `e`, which is in the queue or has left it while running, ran for `ns`. True if that ended its slice.
    bool account(EevdfEntity& e, u64 ns);
    /// The eligible entity with the earliest deadline; `running`, if it is in the queue, eligible and its slice is not
    /// over, goes on (Linux's RUN_TO_PARITY). Null: the queue is empty.
    EevdfEntity* pick(EevdfEntity* running) const;
    /// Gives up the rest of the slice.
    void yield(EevdfEntity& e);

    EevdfEntity* first() const { return tree_.first(); }
    static EevdfEntity* next(const EevdfEntity* e) { return Entities::next(e); }

  private:
    struct ByDeadline {
        static bool less(const EevdfEntity& a, const EevdfEntity& b) { return a.deadline < b.deadline; }
        static void update(EevdfEntity& e, const EevdfEntity* left, const EevdfEntity* right);
    };
    using Entities = Tree<EevdfEntity, &EevdfEntity::node, ByDeadline>;

    static i64 virtual_ns(i64 ns, u32 weight) { return ns * kNominalWeight / weight; }
    bool eligible_at(i64 vruntime) const { return (vruntime - base_) * load_ <= sum_; }
    void insert(EevdfEntity& e);
    void remove(EevdfEntity& e);
    void rebase();

    Entities tree_;
    i64 base_ = 0;  // near V: what sum_ counts from
    i64 sum_ = 0;   // of (vruntime - base_) * weight
    i64 load_ = 0;  // of the weights
    u32 count_ = 0;
};
