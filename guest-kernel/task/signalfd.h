// The file of signalfd(2).
#pragma once

#include "core/vector.h"
#include "fs/file.h"
#include "sync/guarded.h"
#include "task/signal_struct.h"

class SignalFile final : public File {
  public:
    SignalFile(Inode& file_inode, SigSet mask) : File(file_inode), mask_(mask) {}

    void set_mask(SigSet mask);
    /// As many records of 128 bytes as there are signals and room; waits for the first.
    Result<size_t> read(IovIter& to, loff_t& pos) override;
    bool has_write() const override { return false; }
    u32 poll(PollTable* table) override;
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }
    Result<void> show_fdinfo(KString& out) override;
    SignalFile* as_signal_file() override { return this; }

  private:
    SigSet mask() const { return __atomic_load_n(&mask_, __ATOMIC_RELAXED); }
    bool ready() const;
    bool keep(SignalStruct* signal);

    SigSet mask_;
    Guarded<Vec<RefPtr<SignalStruct>>, LockRank::kFile> watched_;
};
