// The bounded log of system calls.
#include "emulator/guestos/syscalls/syscall_log.h"

namespace orrery {

SyscallRecord& SyscallLog::add(SyscallRecord record) {
    record.id = next_id_++;
    if (SyscallRecord* known = find(record.id)) {
        if (known->finished && !record.finished)
            ahead_.insert(record.id);
        else
            *known = std::move(record);
        return *known;
    }
    records_.push_back(std::move(record));
    if (records_.size() > capacity_) records_.pop_front();
    return records_.back();
}

void SyscallLog::finish(const SyscallRecord& record) {
    ahead_.erase(record.id);
    if (SyscallRecord* slot = find(record.id)) *slot = record;
}

SyscallRecord* SyscallLog::find(u64 id) {
    if (records_.empty() || id < records_.front().id || id > records_.back().id) return nullptr;
    return &records_[static_cast<size_t>(id - records_.front().id)];
}

void SyscallLog::rewind(const Position& position) {
    next_id_ = position.next_id;
    totals_ = position.totals;
    ahead_.clear();
    // What is held must reach the position, or there would be a gap.
    if (!records_.empty() && (next_id_ < records_.front().id || next_id_ > records_.back().id + 1))
        records_.clear();
    for (const u64 id : position.open) {
        const SyscallRecord* record = find(id);
        if (record != nullptr && record->finished) ahead_.insert(id);
    }
}

void SyscallLog::cut() {
    while (!records_.empty() && records_.back().id >= next_id_) records_.pop_back();
    for (const u64 id : ahead_) {
        SyscallRecord* record = find(id);
        if (record == nullptr) continue;
        record->finished = record->failed = false;
        record->call = record->entry;
        record->result = 0;
        record->result_text.clear();
        record->cpu_ticks = record->page_walks = record->page_faults = 0;
    }
    ahead_.clear();
}

void SyscallLog::count(const SyscallRecord& finished) {
    SyscallTotals& totals = totals_[finished.call.name];
    ++totals.calls;
    totals.errors += finished.failed;
    totals.cpu_ticks += finished.cpu_ticks;
    totals.ticks += finished.end.ticks - finished.begin.ticks;
}

}  // namespace orrery
