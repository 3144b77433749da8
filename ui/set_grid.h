// Where the entries of a set-associative array are drawn: a column a set, a row a way; as many bands of these
// below each other as the width asks for.
#pragma once

#include <algorithm>

namespace orrery {

class SetGrid {
  public:
    // `columns`: as many cells as fit into a line.
    SetGrid(unsigned sets, unsigned ways, unsigned columns)
        : sets_(sets), ways_(ways), columns_(std::clamp(columns, 1u, std::max(sets, 1u))) {}

    struct Place {
        unsigned column, row;
        unsigned band;  // they are set apart
    };
    Place at(unsigned set, unsigned way) const {
        const unsigned band = set / columns_;
        return {set % columns_, band * ways_ + way, band};
    }
    unsigned columns() const { return columns_; }
    unsigned bands() const { return (sets_ + columns_ - 1) / columns_; }
    unsigned rows() const { return bands() * ways_; }

  private:
    unsigned sets_, ways_, columns_;
};

}  // namespace orrery
