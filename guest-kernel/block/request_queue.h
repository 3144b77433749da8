// RequestQueue: what a disk has to do: bios merged into requests, and a scheduler that says which is next.
//
// A request is led by its first bio; the others hang on it in sector order. Schedulers:
//   none      first come, first served (Linux's no-op)
//   deadline  in the order of sectors, one direction at a time, reads first; but a request that has waited longer than
//             read_expire or write_expire goes first, and writes are not starved more than writes_starved times (Linux,
//             Documentation/block/deadline-iosched.rst)
//
// Guarantees: a bio is in one request; a request has one direction, consecutive sectors, and stays below the disk's limits.
// Flushes and bios with kBioFua or kBioPreflush are never merged. No locking of its own.
#pragma once

#include "block/bio.h"

struct QueueLimits {
    u32 max_sectors = 2560;  // of a request, 1280 KiB as Linux's max_sectors_kb
    u32 max_segments = 126;
};

class RequestQueue {
  public:
    enum class Scheduler : u8 { kNone, kDeadline };

    /// Takes `bio` in; true when it joined a request that waits already.
    bool insert(Bio& bio, u64 now_ns);
    /// The next request, taken out; null when there is none.
    Bio* take(u64 now_ns);
    /// Puts back what take() gave: it is the oldest again, and may grow meanwhile.
    void put_back(Bio& leader);
    bool empty() const { return fifo_[0].empty() && fifo_[1].empty(); }
    u32 waiting() const { return waiting_; }

    void set_scheduler(Scheduler scheduler);
    Scheduler scheduler() const { return scheduler_; }

    QueueLimits limits;
    bool may_merge = true;  // /sys/block/*/queue/nomerges
    u64 read_expire_ns = 500'000'000;
    u64 write_expire_ns = 5'000'000'000;
    u32 writes_starved = 2;
    u32 fifo_batch = 16;

  private:
    using Fifo = List<Bio, &Bio::fifo_node>;
    using Sorted = List<Bio, &Bio::queue_node>;
    static unsigned direction(const Bio& bio) { return bio.op == BlockOp::kRead ? 0 : 1; }
    static bool mergeable(const Bio& bio);
    bool fits(const Bio& leader, const Bio& bio) const;
    bool merge(Bio& bio);
    void close_gap(Bio* first, Bio* second);
    void join_back(Bio& leader, Bio& bio);
    void replace_leader(Bio& old_leader, Bio& bio);
    Bio* take_none();
    Bio* take_deadline(u64 now_ns);
    Bio* remove(Bio* leader);
    void sort_in(Bio& leader);

    Scheduler scheduler_ = Scheduler::kDeadline;
    Fifo fifo_[2];      // by age; reads, and all else
    Sorted sorted_[2];  // by sector
    u32 waiting_ = 0;

    // deadline: the batch under way.
    unsigned batch_direction_ = 0;
    u32 batch_done_ = 0;
    u64 batch_sector_ = 0;
    u32 starved_ = 0;
};
