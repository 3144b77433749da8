#include "emulator/core/observe/watch_points.h"

#include <algorithm>

#include "emulator/core/observe/events.h"

namespace orrery {
namespace {

constexpr u64 kPage = 4096;

bool overlap(u64 a, u64 a_size, u64 b, u64 b_size) {
    return a - b < b_size || b - a < a_size;
}

}  // namespace

bool DataPoint::matches(const Event& event) const {
    const auto* access = event.get<event::DataAccess>();
    if (access == nullptr || !(access->write ? writes : reads)) return false;
    if (physical) return overlap(address, size, access->physical, access->size);
    return access->by == event::DataAccess::By::Instruction &&
           overlap(address, size, access->linear, access->size);
}

void WatchPoints::add_code(u64 linear) {
    code_.insert(std::upper_bound(code_.begin(), code_.end(), linear), linear);
    changed();
}

void WatchPoints::remove_code(u64 linear) {
    const auto found = std::lower_bound(code_.begin(), code_.end(), linear);
    if (found == code_.end() || *found != linear) return;
    code_.erase(found);
    changed();
}

void WatchPoints::add_data(const DataPoint& point) {
    data_.push_back(point);
    changed();
}

void WatchPoints::remove_data(const DataPoint& point) {
    const auto found = std::find(data_.begin(), data_.end(), point);
    if (found == data_.end()) return;
    data_.erase(found);
    changed();
}

bool WatchPoints::code_at(u64 linear) const {
    return std::binary_search(code_.begin(), code_.end(), linear);
}

bool WatchPoints::code_on_page(u64 linear) const {
    const u64 page = linear & ~(kPage - 1);
    const auto found = std::lower_bound(code_.begin(), code_.end(), page);
    return found != code_.end() && *found - page < kPage;
}

WatchPoints::Kinds WatchPoints::data_on_page(u64 linear, u64 physical) const {
    Kinds kinds;
    for (const DataPoint& point : data_) {
        const u64 page = (point.physical ? physical : linear) & ~(kPage - 1);
        if (!overlap(point.address, point.size, page, kPage)) continue;
        kinds.reads |= point.reads;
        kinds.writes |= point.writes;
    }
    return kinds;
}

bool WatchPoints::data_at(u64 linear, u64 physical, u64 size, bool write) const {
    return std::any_of(data_.begin(), data_.end(), [&](const DataPoint& point) {
        return (write ? point.writes : point.reads) &&
               overlap(point.address, point.size, point.physical ? physical : linear, size);
    });
}

bool WatchPoints::physical_write_at(u64 physical, u64 size) const {
    return std::any_of(data_.begin(), data_.end(), [&](const DataPoint& point) {
        return point.physical && point.writes && overlap(point.address, point.size, physical, size);
    });
}

}  // namespace orrery
