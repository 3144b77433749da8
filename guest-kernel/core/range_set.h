// RangeSet: a set of u64 numbers, kept as sorted runs [from, to).
//
// Guarantees: add() and remove() answer how many numbers were new, or were there; ENOMEM changes nothing. Linear in the
// number of runs.
#pragma once

#include "core/types.h"
#include "core/vector.h"

class RangeSet {
  public:
    struct Run {
        u64 from, to;
    };

    /// How many of [from, to) are in the set.
    u64 count(u64 from, u64 to) const {
        u64 sum = 0;
        for (const Run& run : runs_) {
            if (run.to > from && run.from < to) sum += min(run.to, to) - max(run.from, from);
        }
        return sum;
    }
    u64 size() const { return count(0, ~u64{0}); }

    /// Adds [from, to); answers how many of it are new. ENOMEM.
    Result<u64> add(u64 from, u64 to) {
        const u64 fresh = to - from - count(from, to);
        if (fresh == 0) return u64{0};
        Vec<Run> joined;
        TRY(joined.reserve(runs_.size() + 1));
        size_t i = 0;
        for (; i < runs_.size() && runs_[i].to < from; i++) TRY(joined.push(runs_[i]));
        Run merged{from, to};
        for (; i < runs_.size() && runs_[i].from <= to; i++)
            merged = {min(merged.from, runs_[i].from), max(merged.to, runs_[i].to)};
        TRY(joined.push(merged));
        for (; i < runs_.size(); i++) TRY(joined.push(runs_[i]));
        runs_ = std::move(joined);
        return u64{fresh};
    }

    /// Takes [from, to) out; answers how many of it were there. ENOMEM when a run is to be cut in two.
    Result<u64> remove(u64 from, u64 to) {
        const u64 there = count(from, to);
        if (there == 0) return u64{0};
        Vec<Run> left;
        TRY(left.reserve(runs_.size() + 1));
        for (const Run& run : runs_) {
            if (run.to <= from || run.from >= to) {
                TRY(left.push(run));
                continue;
            }
            if (run.from < from) TRY(left.push(Run{run.from, from}));
            if (run.to > to) TRY(left.push(Run{to, run.to}));
        }
        runs_ = std::move(left);
        return u64{there};
    }

  private:
    Vec<Run> runs_;
};
