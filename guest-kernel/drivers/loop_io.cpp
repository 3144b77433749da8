// A loop device's thread: bios become reads and writes of its file (drivers/loop_device.h).
#include "core/string.h"
#include "drivers/loop_device.h"
#include "task/task.h"

// Under the queue's lock.
bool LoopDevice::issue(Bio& leader, BlockOp op) {
    leader.issued = op;
    work_.with([&](Work& work) { work.waiting.push_back(&leader); });
    return true;
}

void LoopDevice::kick() {
    wake_.wake_all();
}

bool LoopDevice::idle() {
    return work_.with([](Work& work) { return !work.busy && work.waiting.empty(); });
}

void LoopDevice::run(void* argument) {
    LoopDevice& device = *static_cast<LoopDevice*>(argument);
    current()->flags |= PF_LOCAL_THROTTLE;
    for (;;) {
        Bio* leader = nullptr;
        RefPtr<File> file;
        (void)wait_event(device.wake_, [&] {
            return device.work_.with([&](Work& work) {
                leader = work.waiting.pop_front();
                work.busy = leader != nullptr;
                if (leader) file = work.file;
                return leader != nullptr;
            });
        });
        if (!leader) continue;
        const Errno result = file ? device.serve(*leader, leader->issued, *file) : Errno::EIO;
        device.finished(*leader, result);
        file.reset();
        device.work_.with([](Work& work) { work.busy = false; });
        device.idle_.wake_all();
    }
}

/// What a request asks, all its bios. EIO whatever the file says, but for a lack of room.
Errno LoopDevice::serve(Bio& leader, BlockOp op, File& file) {
    Result<void> done;
    if (op == BlockOp::kFlush) {
        done = file.sync(true);
    } else if (op == BlockOp::kDiscard) {
        done = file.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             static_cast<loff_t>((leader.sector << kSectorShift) + offset_), leader.size);
        if (!done.ok() && done.error() == Errno::EOPNOTSUPP) return Errno::EOPNOTSUPP;
    } else {
        for (Bio* bio = &leader; bio; bio = bio->next_merged) {
            const Errno moved = move(*bio, file);
            if (moved != Errno::OK) return moved;
        }
    }
    return done.ok() ? Errno::OK : Errno::EIO;
}

Errno LoopDevice::move(Bio& bio, File& file) {
    loff_t at = static_cast<loff_t>((bio.sector << kSectorShift) + offset_);
    for (u32 i = 0; i < bio.segment_count; i++) {
        u8* memory = static_cast<u8*>(bio.segments[i].data);
        const u32 length = bio.segments[i].length;
        u32 done = 0;
        while (done < length) {
            IovIter it = IovIter::kernel(memory + done, length - done);
            const Result<size_t> n = bio.op == BlockOp::kRead ? file.read(it, at) : file.write(it, at);
            if (!n.ok()) return n.error() == Errno::ENOSPC ? Errno::ENOSPC : Errno::EIO;
            if (n.value() == 0) break;
            done += static_cast<u32>(n.value());
        }
        if (done == length) continue;
        if (bio.op != BlockOp::kRead) return Errno::EIO;
        memset(memory + done, 0, length - done);  // behind the file's end
        at += length - done;
    }
    return Errno::OK;
}
