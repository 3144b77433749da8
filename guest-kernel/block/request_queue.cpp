// Merging and scheduling (block/request_queue.h).
#include "block/request_queue.h"

bool RequestQueue::mergeable(const Bio& bio) {
    return (bio.op == BlockOp::kRead || bio.op == BlockOp::kWrite) &&
           (bio.flags & (kBioFua | kBioPreflush)) == 0;
}

bool RequestQueue::fits(const Bio& leader, const Bio& bio) const {
    return leader.op == bio.op && mergeable(leader) &&
           leader.request_sectors + bio.request_sectors <= limits.max_sectors &&
           leader.request_segments + bio.request_segments <= limits.max_segments;
}

void RequestQueue::join_back(Bio& leader, Bio& bio) {
    leader.last_merged->next_merged = &bio;
    leader.last_merged = bio.last_merged;
    leader.request_sectors += bio.request_sectors;
    leader.request_segments += bio.request_segments;
}

/// `bio` now leads what `old_leader` led; it takes its place in both lists.
void RequestQueue::replace_leader(Bio& old_leader, Bio& bio) {
    const unsigned d = direction(bio);
    fifo_[d].insert_before(&old_leader, &bio);
    sorted_[d].insert_before(&old_leader, &bio);
    Fifo::remove(&old_leader);
    Sorted::remove(&old_leader);
    bio.deadline_ns = min(bio.deadline_ns, old_leader.deadline_ns);
    join_back(bio, old_leader);
}

/// Makes one request of two that have become neighbours.
void RequestQueue::close_gap(Bio* first, Bio* second) {
    if (!first || !second || first->sector + first->request_sectors != second->sector ||
        !fits(*first, *second))
        return;
    Fifo::remove(second);
    Sorted::remove(second);
    join_back(*first, *second);
    waiting_--;
}

bool RequestQueue::merge(Bio& bio) {
    if (!may_merge || !mergeable(bio)) return false;
    Sorted& sorted = sorted_[direction(bio)];
    for (Bio* r = sorted.back(); r; r = sorted.prev(r)) {
        if (r->sector + r->request_sectors == bio.sector && fits(*r, bio)) {
            join_back(*r, bio);
            close_gap(r, sorted.next(r));
            return true;
        }
        if (bio.sector + bio.request_sectors == r->sector && fits(*r, bio)) {
            replace_leader(*r, bio);
            close_gap(sorted.prev(&bio), &bio);
            return true;
        }
        if (r->sector + r->request_sectors < bio.sector) break;
    }
    return false;
}

bool RequestQueue::insert(Bio& bio, u64 now_ns) {
    bio.next_merged = nullptr;
    bio.last_merged = &bio;
    bio.request_sectors = bio.sectors();
    bio.request_segments = bio.segment_count;
    const unsigned d = direction(bio);
    bio.deadline_ns = now_ns + (d == 0 ? read_expire_ns : write_expire_ns);
    if (merge(bio)) return true;
    fifo_[d].push_back(&bio);
    sort_in(bio);
    return false;
}

void RequestQueue::sort_in(Bio& leader) {
    Sorted& sorted = sorted_[direction(leader)];
    Bio* before = sorted.back();
    while (before && before->sector > leader.sector) before = sorted.prev(before);
    if (before)
        sorted.insert_after(before, &leader);
    else
        sorted.push_front(&leader);
    waiting_++;
}

void RequestQueue::put_back(Bio& leader) {
    fifo_[direction(leader)].push_front(&leader);
    sort_in(leader);
    batch_done_ = 0;
}

Bio* RequestQueue::remove(Bio* leader) {
    Fifo::remove(leader);
    Sorted::remove(leader);
    waiting_--;
    return leader;
}

Bio* RequestQueue::take_none() {
    Bio* read = fifo_[0].front();
    Bio* write = fifo_[1].front();
    if (!read || !write) return read ? read : write;
    return write->submitted_ns < read->submitted_ns ? write : read;
}

Bio* RequestQueue::take_deadline(u64 now_ns) {
    const bool reads = !fifo_[0].empty(), writes = !fifo_[1].empty();
    // The batch goes on where it is.
    if (batch_done_ > 0 && batch_done_ < fifo_batch) {
        for (Bio& r : sorted_[batch_direction_]) {
            if (r.sector >= batch_sector_) return &r;
        }
    }
    batch_done_ = 0;
    unsigned d = reads ? 0 : 1;
    if (reads && writes && starved_++ >= writes_starved) d = 1;
    if (d == 1) starved_ = 0;
    Bio* oldest = fifo_[d].front();
    Bio* next = nullptr;
    if (oldest->deadline_ns > now_ns) {
        for (Bio& r : sorted_[d]) {
            if (r.sector >= batch_sector_ && batch_direction_ == d) {
                next = &r;
                break;
            }
        }
    }
    if (!next) next = oldest;
    batch_direction_ = d;
    return next;
}

Bio* RequestQueue::take(u64 now_ns) {
    if (fifo_[0].empty() && fifo_[1].empty()) return nullptr;
    Bio* r = remove(scheduler_ == Scheduler::kNone ? take_none() : take_deadline(now_ns));
    batch_done_++;
    batch_sector_ = r->sector + r->request_sectors;
    return r;
}

void RequestQueue::set_scheduler(Scheduler scheduler) {
    scheduler_ = scheduler;
    batch_done_ = 0;
}
