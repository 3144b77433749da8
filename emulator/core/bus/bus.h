// The physical address space and the port space: RAM, and devices' registers.
//
// RAM is one host mapping. It fills guest addresses from 0 up to the PCI hole at kPciHoleStart, and goes on
// at 4 GiB. A display's memory is plain memory too, wherever its BAR puts it. Regions never overlap (building
// a machine that overlaps them throws std::logic_error). Addresses that nothing claims read as all ones and
// drop writes, as an open bus does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/core/bus/device.h"
#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

inline constexpr u64 kPageSize = 4096;
inline constexpr u64 kPciHoleStart = 0xC000'0000;
inline constexpr u64 kPciHoleEnd = 0x1'0000'0000;

class Bus {
  public:
    // `ram_size` in bytes, a multiple of 4 KiB. Throws std::bad_alloc where the host cannot give it.
    explicit Bus(u64 ram_size);
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    u64 ram_size() const { return ram_size_; }

    // The host address of the RAM byte at `physical`, nullptr where there is no RAM. Valid to the end of its
    // page.
    u8* ram_at(u64 physical) {
        if (physical < low_ram_) return ram_ + physical;
        if (physical - video_base_ < video_mapped_) return video_ + (physical - video_base_);
        if (physical >= kPciHoleEnd && physical - kPciHoleEnd < ram_size_ - low_ram_)
            return ram_ + low_ram_ + (physical - kPciHoleEnd);
        return nullptr;
    }
    // The inverse: `host` must lie in RAM.
    u64 physical_of(const u8* host) const {
        if (const u64 within = static_cast<u64>(host - video_); within < video_size_)
            return video_base_ + within;
        u64 offset = static_cast<u64>(host - ram_);
        return offset < low_ram_ ? offset : offset - low_ram_ + kPciHoleEnd;
    }

    // Plain memory at `host` (within RAM or video memory) is about to be written, up to the end of its page.
    // Every write but those below says so, so that snapshots and hashes need not look at all of memory.
    void note_write(const u8* host) {
        if (const u64 offset = static_cast<u64>(host - ram_); offset < ram_size_)
            ram_memory_.touch(offset / kPageSize);
        else
            video_memory_->touch(static_cast<u64>(host - video_) / kPageSize);
    }
    // Whether another note_write() would tell nothing new.
    bool write_noted(const u8* host) const {
        if (const u64 offset = static_cast<u64>(host - ram_); offset < ram_size_)
            return ram_memory_.touched(offset / kPageSize);
        return video_memory_->touched(static_cast<u64>(host - video_) / kPageSize);
    }
    // Called before what was noted is forgotten: a writer that stopped saying so is to begin again. To be set
    // once the machine is built.
    void on_notes_taken(const std::function<void()>& hook) {
        ram_memory_.on_rearm(hook);
        if (video_memory_) video_memory_->on_rearm(hook);
    }
    PagedMemory& ram_memory() { return ram_memory_; }

    // All of RAM and video memory reads as zero again.
    void clear_ram();

    // Video memory: made once, `size` a multiple of 4 KiB, and then mapped at `base` or nowhere (kUnmapped).
    void add_video_memory(u64 size);
    void map_video_memory(u64 base);
    void clear_video_memory();
    u64 video_size() const { return video_size_; }
    const u8* video_memory() const { return video_; }
    u64 video_base() const { return video_mapped_ != 0 ? video_base_ : kUnmapped; }
    // Called when `size` bytes at `physical` become or cease to be video memory: host addresses of pages kept
    // from ram_at() are then void.
    void on_video_moved(std::function<void(u64 physical, u64 size)> hook) { video_hook_ = std::move(hook); }

    void map_io(u16 first_port, u16 count, Device& device);
    // `base` may move later (PCI BARs, the APIC base): remap_mmio. A region of length 0 or base kUnmapped is
    // off.
    unsigned map_mmio(u64 base, u64 length, Device& device, unsigned region = 0);
    void remap_mmio(unsigned mapping, u64 base);
    static constexpr u64 kUnmapped = ~u64{0};
    // Ports that move (PCI I/O BARs).
    unsigned map_movable_io(u16 count, Device& device);
    void remap_io(unsigned mapping, u32 first_port_or_unmapped);

    // Accesses by a CPU or a device to physical memory, RAM or not. `size` 1, 2, 4, 8; may cross pages.
    u64 read(u64 physical, unsigned size);
    void write(u64 physical, unsigned size, u64 value);
    // RAM only, as DMA and loaders use it; false where any byte is not RAM (nothing is then transferred).
    bool dma_read(u64 physical, void* to, u64 size);
    bool dma_write(u64 physical, const void* from, u64 size);

    u32 io_read(u16 port, unsigned size);
    void io_write(u16 port, unsigned size, u32 value);

    // Called before `size` bytes of RAM at `physical` change by dma_write (or a debugger's write), so that
    // decoded code made from them is dropped.
    void on_ram_write(std::function<void(u64 physical, u64 size)> hook) { ram_write_hook_ = std::move(hook); }

    // Called after such a write.
    void on_ram_written(std::function<void(u64 physical, u64 size)> hook) {
        ram_written_hook_ = std::move(hook);
    }

    // RAM contents and region placement.
    void visit(Archive& archive);

    struct RegionView {
        u64 base;
        u64 length;
        const Device* device;
        bool io;
    };
    std::vector<RegionView> regions() const;

  private:
    struct Region {
        u64 base = kUnmapped;
        u64 length = 0;
        Device* device = nullptr;
        unsigned tag = 0;
        bool movable = false;
    };
    const Region* find(const std::vector<Region>& regions, u64 address) const;
    void note_range(const u8* host, u64 size);  // `size` at least 1
    void check_free(const std::vector<Region>& regions, u64 base, u64 length, const Region* self) const;

    PagedMemory ram_memory_;
    std::unique_ptr<PagedMemory> video_memory_;
    u8* ram_;
    u64 ram_size_;
    u64 low_ram_;
    u8* video_ = nullptr;
    u64 video_size_ = 0;
    u64 video_base_ = 0;
    u64 video_mapped_ = 0;  // video_size_, or 0 while it is off
    std::function<void(u64, u64)> video_hook_;
    std::vector<Region> mmio_;
    std::vector<Region> io_;
    std::function<void(u64, u64)> ram_write_hook_;
    std::function<void(u64, u64)> ram_written_hook_;
};

}  // namespace orrery
