// PageTree: page number → Page*, a radix tree of 64-way nodes, as deep as the highest number needs.
//
// Guarantees: set() answers ENOMEM and changes nothing; it takes over one reference to the page, which take()
// and clear_from() give back. No locking of its own.
#pragma once

#include "core/result.h"
#include "mm/page.h"

class PageTree {
  public:
    PageTree() = default;
    ~PageTree() { clear_from(0); }
    PageTree(const PageTree&) = delete;
    PageTree& operator=(const PageTree&) = delete;

    /// The page at `index`, or null; no reference is taken.
    Page* get(u64 index) const;
    /// Puts `page` at the empty place `index`.
    Result<void> set(u64 index, Page* page);
    /// Takes the page at `index` out; the reference is the caller's. Null when there is none.
    Page* take(u64 index);
    /// Drops every page at `first` and beyond; returns how many.
    u64 clear_from(u64 first);
    /// The lowest index >= `first` that has a page, or ~0.
    u64 next_present(u64 first) const;

  private:
    static constexpr u32 kBits = 6;
    static constexpr u32 kWays = 1u << kBits;
    static constexpr u32 kMaxLevels = 10;  // 60 bits: any file offset

    struct Node {
        void* slots[kWays];
    };
    static u64 clear_node(Node* node, u32 level, u64 base, u64 first);
    static u64 next_in(const Node* node, u32 level, u64 base, u64 first);
    bool reaches(u64 index) const { return levels_ > 0 && (index >> (kBits * levels_)) == 0; }

    Node* root_ = nullptr;
    u32 levels_ = 0;
};
