// VirtioPci: a virtio device on PCI (Virtual I/O Device specification 1.1, section 4.1): finding its registers,
// agreeing on features, giving it queues. Modern devices only, as every transitional one is too.
//
// Guarantees: begin() resets the device; after finish() it runs.
#pragma once

#include "drivers/pci/pci.h"
#include "drivers/virtio/vring.h"

constexpr u16 kVirtioVendor = 0x1af4;
constexpr u64 kVirtioVersion1 = 1ull << 32;

class VirtioPci {
  public:
    explicit VirtioPci(PciDevice& function) : pci(function) {}

    /// The device type (2: block), or 0 when `function` is no virtio device.
    static u16 type_of(const PciDevice& function);

    /// Finds the registers, resets, and agrees on those of `wanted` that the device offers. ENODEV, ENOMEM.
    Result<u64> begin(u64 wanted);
    /// Sets up queue `index` with an interrupt of its own. ENODEV, ENOMEM.
    Result<void> add_queue(u16 index, Vring& ring, const char* name, IrqHandler handler, void* data);
    void finish();
    void fail();
    void notify(u16 index) { *notify_address_[index] = index; }

    template <class T>
    T config(unsigned offset) const {
        return *reinterpret_cast<volatile const T*>(device_ + offset);
    }

    PciDevice& pci;

  private:
    static constexpr unsigned kMaxQueues = 4;
    volatile u8* structure(u8 kind, unsigned* capability) const;
    template <class T>
    volatile T& common(unsigned offset) {
        return *reinterpret_cast<volatile T*>(common_ + offset);
    }
    volatile u8* common_ = nullptr;
    volatile u8* notify_ = nullptr;
    volatile u8* device_ = nullptr;
    u32 notify_multiplier_ = 0;
    volatile u16* notify_address_[kMaxQueues] = {};
};
