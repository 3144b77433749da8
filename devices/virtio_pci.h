// Virtio over PCI, modern interface (Virtual I/O Device specification 1.1, sections 2.1-2.3, 4.1).
//
//   configuration space: vendor 1AF4, device 1040 + the virtio device id, revision 1; capabilities for the
//   four structures below, for access through configuration space (4.1.4.7), and for MSI-X BAR 0: 0000 common
//   configuration   1000 ISR status   2000 device configuration   3000 + 4n notification of queue n BAR 1:
//   the MSI-X table and pending bits
//
// A device class derives from it, and says what its queues do. A notification is served within the access
// that makes it; a device that needs virtual time for its work uses a timer of its own. Without bus mastering
// nothing is served.
#pragma once

#include <string>
#include <vector>

#include "devices/msix_table.h"
#include "devices/pci_function.h"
#include "devices/virtqueue.h"

namespace orrery {

class VirtioPci : public PciFunction {
  public:
    struct Shape {
        u16 device_id;   // of the virtio specification, chapter 5
        u32 class_code;  // PCI's
        u64 features;    // of the device, beside the transport's own
        unsigned queues;
        unsigned config_size;  // bytes of device configuration
    };
    struct Wires {
        IrqLine intx;
        MsiSink* msi;
    };

    VirtioPci(std::string name, Bus& bus, const Wires& wires, const Shape& shape);

    void reset() override;
    void visit(Archive& archive) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    u8 device_status() const { return status_; }
    u64 driver_features() const { return driver_features_; }

  protected:
    // The driver made buffers available on `queue` of a device that is ready().
    virtual void notified(unsigned queue) = 0;
    virtual u8 device_config(unsigned) const { return 0; }
    // The driver reset the device (also part of reset()).
    virtual void device_reset() {}

    bool ready() const { return (status_ & 4) != 0 && (status_ & 0x40) == 0 && bus_master(); }
    bool has_feature(unsigned bit) const { return (driver_features_ >> bit & 1) != 0; }
    VirtQueue& queue(unsigned index) { return queues_[index]; }
    // To be called after pushes to a queue, and after a pop that broke it: interrupts as the driver asked, or
    // DEVICE_NEEDS_RESET.
    void finish(unsigned queue);
    // The device configuration changed.
    void config_changed();

  private:
    void config_reading(unsigned offset, unsigned size) override;
    void config_written(unsigned offset, unsigned size) override;
    void add_structure(u8 type, u32 offset, u32 length, unsigned extra);
    void reset_device();
    void serve(unsigned queue);
    void interrupt(u16 vector, u8 isr_bit);
    u64 region_read(u64 offset, unsigned size);
    void region_write(u64 offset, unsigned size, u32 value);
    u32 read_common(unsigned offset);
    void write_common(unsigned offset, u32 value);
    void write_status(u8 value);
    u64 offered_features() const;

    Shape shape_;
    MsixTable msix_;
    unsigned msix_capability_ = 0;
    unsigned window_capability_ = 0;  // access through configuration space
    // State.
    std::vector<VirtQueue> queues_;
    std::vector<u16> queue_vectors_;
    u16 config_vector_ = 0xffff;
    u16 queue_select_ = 0;
    u32 device_feature_select_ = 0;
    u32 driver_feature_select_ = 0;
    u64 driver_features_ = 0;
    u8 status_ = 0;
    u8 generation_ = 0;
    u8 isr_ = 0;
};

}  // namespace orrery
