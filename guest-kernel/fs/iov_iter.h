// IovIter: where a read puts its bytes or a write takes them from: the kernel's memory, a program's, or a
// program's vector of pieces (readv(2)). As Linux's iov_iter.
//
// Guarantees: transfers go as far as they can; a fault in the middle gives a short count, one at the start
// gives 0 with remaining() > 0, which the caller answers with EFAULT. Copies to a program may sleep.
#pragma once

#include "abi/fcntl.h"
#include "core/types.h"

class IovIter {
  public:
    static IovIter kernel(void* memory, size_t size);
    static IovIter user(u64 address, size_t size);
    /// `vector` must outlive the iterator; `total` is the sum of its lengths.
    static IovIter user_vector(const KernelIovec* vector, size_t pieces, size_t total);

    size_t remaining() const { return remaining_; }

    /// Kernel memory into the iterator's; returns how many bytes were copied, and moves on by them.
    size_t copy_to(const void* source, size_t size);
    /// The iterator's memory into the kernel's.
    size_t copy_from(void* destination, size_t size);
    /// Zeroes into the iterator's memory.
    size_t zero(size_t size);
    /// Passes over `size` bytes, of which there are as many.
    void skip(size_t size);
    /// Touches the program's memory that the next `size` bytes are read from. False when nothing of it is there.
    bool fault_in(size_t size) const;
    /// Does all the memory begin and end at multiples of `alignment`?
    bool aligned(u32 alignment) const;
    /// Let at most `size` bytes remain (for O_APPEND limits, RLIMIT_FSIZE, and sizes at the end of a file).
    void truncate(size_t size) {
        if (size < remaining_) remaining_ = size;
    }

  private:
    template <class Transfer>
    size_t each_piece(size_t size, Transfer transfer);

    enum class Kind : u8 { kKernel, kUser, kUserVector };
    Kind kind_ = Kind::kKernel;
    u8* memory_ = nullptr;
    u64 address_ = 0;
    const KernelIovec* vector_ = nullptr;
    size_t pieces_ = 0;
    size_t piece_done_ = 0;
    size_t remaining_ = 0;
};
