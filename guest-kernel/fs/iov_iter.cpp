// The three kinds of memory an IovIter walks over.
#include "fs/iov_iter.h"

#include "core/string.h"
#include "mm/user_ptr.h"

IovIter IovIter::kernel(void* memory, size_t size) {
    IovIter it;
    it.memory_ = static_cast<u8*>(memory);
    it.remaining_ = size;
    return it;
}

IovIter IovIter::user(u64 address, size_t size) {
    IovIter it;
    it.kind_ = Kind::kUser;
    it.address_ = address;
    it.remaining_ = size;
    return it;
}

IovIter IovIter::user_vector(const KernelIovec* vector, size_t pieces, size_t total) {
    IovIter it;
    it.kind_ = Kind::kUserVector;
    it.vector_ = vector;
    it.pieces_ = pieces;
    it.remaining_ = total;
    return it;
}

// Calls transfer(user address, offset so far, size), which answers how many bytes were NOT done, piece by
// piece.
template <class Transfer>
size_t IovIter::each_piece(size_t size, Transfer transfer) {
    size_t done = 0;
    while (done < size) {
        u64 address = address_;
        size_t n = size - done;
        if (kind_ == Kind::kUserVector) {
            while (pieces_ > 0 && piece_done_ == vector_->iov_len) {
                vector_++;
                pieces_--;
                piece_done_ = 0;
            }
            if (pieces_ == 0) break;
            address = vector_->iov_base + piece_done_;
            n = min<size_t>(n, vector_->iov_len - piece_done_);
        }
        const size_t moved = n - transfer(address, done, n);
        done += moved;
        remaining_ -= moved;
        if (kind_ == Kind::kUserVector) {
            piece_done_ += moved;
        } else {
            address_ += moved;
        }
        if (moved < n) break;
    }
    return done;
}

size_t IovIter::copy_to(const void* source, size_t size) {
    size = min(size, remaining_);
    if (kind_ == Kind::kKernel) {
        memcpy(memory_, source, size);
        memory_ += size;
        remaining_ -= size;
        return size;
    }
    return each_piece(size, [source](u64 address, size_t done, size_t n) {
        return copy_to_user(address, static_cast<const u8*>(source) + done, n);
    });
}

size_t IovIter::copy_from(void* destination, size_t size) {
    size = min(size, remaining_);
    if (kind_ == Kind::kKernel) {
        memcpy(destination, memory_, size);
        memory_ += size;
        remaining_ -= size;
        return size;
    }
    return each_piece(size, [destination](u64 address, size_t done, size_t n) {
        return copy_from_user_keep(static_cast<u8*>(destination) + done, address, n);
    });
}

size_t IovIter::zero(size_t size) {
    size = min(size, remaining_);
    if (kind_ == Kind::kKernel) {
        memset(memory_, 0, size);
        memory_ += size;
        remaining_ -= size;
        return size;
    }
    return each_piece(size, [](u64 address, size_t, size_t n) { return clear_user(address, n); });
}

void IovIter::skip(size_t size) {
    size = min(size, remaining_);
    if (kind_ == Kind::kKernel) {
        memory_ += size;
        remaining_ -= size;
        return;
    }
    each_piece(size, [](u64, size_t, size_t) { return size_t{0}; });
}

bool IovIter::fault_in(size_t size) const {
    if (kind_ == Kind::kKernel) return true;
    IovIter probe = *this;
    return probe.each_piece(min(size, remaining_), [](u64 address, size_t, size_t n) {
        u8 byte;
        for (size_t done = 0; done < n; done += 4096 - ((address + done) & 4095)) {
            if (copy_from_user_keep(&byte, address + done, 1) != 0) return n - done;
        }
        return size_t{0};
    }) > 0;
}

bool IovIter::aligned(u32 alignment) const {
    const u64 mask = alignment - 1;
    if (kind_ == Kind::kKernel) return (reinterpret_cast<u64>(memory_) & mask) == 0;
    if (kind_ == Kind::kUser) return (address_ & mask) == 0;
    for (size_t i = 0; i < pieces_; i++) {
        if (((vector_[i].iov_base | vector_[i].iov_len) & mask) != 0) return false;
    }
    return true;
}
