// The bounded log of system calls.
#include "emulator/guest/syscall_log.h"

namespace orrery {

SyscallRecord& SyscallLog::add(SyscallRecord record) {
    record.id = next_id_++;
    records_.push_back(std::move(record));
    if (records_.size() > capacity_) {
        records_.pop_front();
        ++dropped_;
    }
    return records_.back();
}

SyscallRecord* SyscallLog::find(u64 id) {
    if (records_.empty() || id < records_.front().id || id > records_.back().id) return nullptr;
    return &records_[static_cast<size_t>(id - records_.front().id)];  // ids in the log have no gaps
}

void SyscallLog::count(const SyscallRecord& finished) {
    SyscallTotals& totals = totals_[finished.call.name];
    ++totals.calls;
    totals.errors += finished.failed;
    totals.cpu_ticks += finished.cpu_ticks;
    totals.ticks += finished.end.ticks - finished.begin.ticks;
}

}  // namespace orrery
