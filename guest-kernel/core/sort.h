// Sorting in place, without memory of its own: heap sort, O(n log n) for every input.
#pragma once

#include <utility>

#include "core/types.h"

namespace sort_detail {
template <class T, class Less>
void sift_down(T* items, size_t at, size_t count, Less less) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && less(items[child], items[child + 1])) child++;
        if (!less(items[at], items[child])) return;
        std::swap(items[at], items[child]);
        at = child;
    }
}
}  // namespace sort_detail

/// Orders `items` so that less(later, earlier) is never true. Equal items may change places.
template <class T, class Less>
void sort_items(T* items, size_t count, Less less) {
    for (size_t i = count / 2; i-- > 0;) sort_detail::sift_down(items, i, count, less);
    for (size_t end = count; end > 1; end--) {
        std::swap(items[0], items[end - 1]);
        sort_detail::sift_down(items, 0, end - 1, less);
    }
}
