// Scopes for those who run a machine and watch it meanwhile: a subscription to events, and watched places.
#pragma once

#include <vector>

#include "emulator/core/observe/events.h"

namespace orrery {

class Subscription {
  public:
    Subscription(Observers& observers, u32 kinds, Observers::Callback callback)
        : observers_(observers), id_(observers.subscribe(kinds, std::move(callback))) {}
    ~Subscription() { observers_.unsubscribe(id_); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

  private:
    Observers& observers_;
    Observers::Id id_;
};

class ArmedPoints {
  public:
    explicit ArmedPoints(Observers& observers) : points_(observers.points()) {}
    ~ArmedPoints() {
        for (const u64 linear : code_) points_.remove_code(linear);
        for (const DataPoint& point : data_) points_.remove_data(point);
    }
    ArmedPoints(const ArmedPoints&) = delete;
    ArmedPoints& operator=(const ArmedPoints&) = delete;

    void code(u64 linear) {
        points_.add_code(linear);
        code_.push_back(linear);
    }
    void data(const DataPoint& point) {
        points_.add_data(point);
        data_.push_back(point);
    }
    bool empty() const { return code_.empty() && data_.empty(); }

  private:
    WatchPoints& points_;
    std::vector<u64> code_;
    std::vector<DataPoint> data_;
};

}  // namespace orrery
