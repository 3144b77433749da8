// The driver's side of a split virtqueue (drivers/virtio/vring.h).
#include "drivers/virtio/vring.h"

#include "mm/page.h"

namespace {
enum DescriptorFlags : u16 { kNext = 1, kDeviceWrites = 2 };
constexpr u16 kNoInterrupt = 1, kNoNotify = 1;
}  // namespace

u64 Vring::used_phys() const {
    return align_up(available_phys() + 2ull * (3 + size_), 4);
}

Result<void> Vring::init(u32 size) {
    size_ = size;
    const u64 bytes = used_phys() + 6 + 8ull * size - phys_;
    unsigned order = 0;
    while ((kPageSize << order) < bytes) order++;
    Page* pages = alloc_pages(order, kAllocZero);
    if (!pages) return Errno::ENOMEM;
    phys_ = page_to_phys(pages);
    memory_ = static_cast<u8*>(page_address(pages));
    for (u16 i = 0; i < size; i++) descriptors()[i].next = static_cast<u16>(i + 1);
    free_count_ = size;
    return {};
}

bool Vring::add(const VringPiece* pieces, u32 count, void* token) {
    if (count > free_count_ || count == 0) return false;
    const u16 head = free_head_;
    u16 at = head;
    for (u32 i = 0; i < count; i++) {
        Descriptor& d = descriptors()[at];
        d.address = pieces[i].phys;
        d.length = pieces[i].length;
        d.flags =
            static_cast<u16>((pieces[i].device_writes ? kDeviceWrites : 0) | (i + 1 < count ? kNext : 0));
        at = d.next;
    }
    free_head_ = at;
    free_count_ -= count;
    tokens_[head] = token;
    available()[2 + next_available_ % size_] = head;
    next_available_++;
    __atomic_thread_fence(__ATOMIC_RELEASE);  // the entry before the index
    available()[1] = next_available_;
    return true;
}

bool Vring::needs_notify() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);  // the index before the flag is looked at
    return (*reinterpret_cast<volatile u16*>(used()) & kNoNotify) == 0;
}

void* Vring::take_used() {
    const u16 end = *reinterpret_cast<volatile u16*>(used() + 2);
    if (next_used_ == end) return nullptr;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const u32 head = *reinterpret_cast<volatile u32*>(used() + 4 + 8 * (next_used_ % size_));
    next_used_++;
    if (head >= size_ || !tokens_[head]) return nullptr;  // not what we have offered
    u16 at = static_cast<u16>(head);
    for (free_count_++; descriptors()[at].flags & kNext; free_count_++) at = descriptors()[at].next;
    descriptors()[at].next = free_head_;
    free_head_ = static_cast<u16>(head);
    void* token = tokens_[head];
    tokens_[head] = nullptr;
    return token;
}

void Vring::disable_interrupts() {
    available()[0] = kNoInterrupt;
}

void Vring::enable_interrupts() {
    available()[0] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
