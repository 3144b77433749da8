// Vring: a split virtqueue as the driver sees it (Virtual I/O Device specification 1.1, section 2.6).
//
// Guarantees: add() takes all of a request's pieces or none; take_used() gives each request back once, with what it was
// added as. No locking of its own.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct VringPiece {
    u64 phys;
    u32 length;
    bool device_writes;
};

class Vring {
  public:
    static constexpr u32 kMaxSize = 256;
    /// `size` descriptors, a power of two up to kMaxSize. ENOMEM.
    Result<void> init(u32 size);
    u64 descriptors_phys() const { return phys_; }
    u64 available_phys() const { return phys_ + 16ull * size_; }
    u64 used_phys() const;
    u32 size() const { return size_; }
    u32 free_count() const { return free_count_; }

    /// Offers a request. False when there are too few free descriptors.
    bool add(const VringPiece* pieces, u32 count, void* token);
    /// Does the device want to be told of what was added since the last call?
    bool needs_notify();
    /// A request the device is done with, or null.
    void* take_used();
    void disable_interrupts();
    void enable_interrupts();

  private:
    struct Descriptor {
        u64 address;
        u32 length;
        u16 flags;
        u16 next;
    };
    u64 phys_ = 0;
    u8* memory_ = nullptr;
    u32 size_ = 0;
    u32 free_count_ = 0;
    u16 free_head_ = 0;
    u16 next_available_ = 0;
    u16 next_used_ = 0;
    void* tokens_[kMaxSize] = {};

    Descriptor* descriptors() { return reinterpret_cast<Descriptor*>(memory_); }
    volatile u16* available() { return reinterpret_cast<volatile u16*>(memory_ + 16 * size_); }
    volatile u8* used() { return memory_ + (used_phys() - phys_); }
};
