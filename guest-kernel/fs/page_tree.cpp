// The radix tree of a file's pages. Level 1 nodes hold pages, higher ones hold nodes.
#include "fs/page_tree.h"

#include "core/kmalloc.h"
#include "core/string.h"

namespace {
constexpr u64 kNone = ~0ull;
}

Page* PageTree::get(u64 index) const {
    if (!reaches(index)) return nullptr;
    const Node* node = root_;
    for (u32 level = levels_; node; level--) {
        void* slot = node->slots[(index >> (kBits * (level - 1))) % kWays];
        if (level == 1) return static_cast<Page*>(slot);
        node = static_cast<const Node*>(slot);
    }
    return nullptr;
}

Result<void> PageTree::set(u64 index, Page* page) {
    while (!reaches(index)) {
        BUG_ON(levels_ == kMaxLevels);
        Node* top = static_cast<Node*>(kzalloc(sizeof(Node)));
        if (!top) return Errno::ENOMEM;
        top->slots[0] = root_;
        root_ = top;
        levels_++;
    }
    Node* node = root_;
    for (u32 level = levels_; level > 1; level--) {
        void*& slot = node->slots[(index >> (kBits * (level - 1))) % kWays];
        if (!slot) {
            slot = kzalloc(sizeof(Node));
            if (!slot) return Errno::ENOMEM;
        }
        node = static_cast<Node*>(slot);
    }
    void*& place = node->slots[index % kWays];
    BUG_ON(place != nullptr);
    place = page;
    return {};
}

Page* PageTree::take(u64 index) {
    if (!reaches(index)) return nullptr;
    Node* node = root_;
    for (u32 level = levels_; level > 1 && node; level--) {
        node = static_cast<Node*>(node->slots[(index >> (kBits * (level - 1))) % kWays]);
    }
    if (!node) return nullptr;
    Page* page = static_cast<Page*>(node->slots[index % kWays]);
    node->slots[index % kWays] = nullptr;
    return page;
}

// Empties what lies at `first` or beyond below `node`, whose first index is `base`; frees nodes that lie
// there wholly. The recursion is at most kMaxLevels deep.
u64 PageTree::clear_node(Node* node, u32 level, u64 base, u64 first) {
    u64 dropped = 0;
    const u64 span = 1ull << (kBits * (level - 1));  // indexes per slot
    for (u32 i = 0; i < kWays; i++) {
        const u64 start = base + i * span;
        void*& slot = node->slots[i];
        if (!slot || start + span <= first) continue;
        if (level == 1) {
            page_put(static_cast<Page*>(slot));
            slot = nullptr;
            dropped++;
            continue;
        }
        dropped += clear_node(static_cast<Node*>(slot), level - 1, start, first);
        if (start >= first) {
            kfree(slot);
            slot = nullptr;
        }
    }
    return dropped;
}

u64 PageTree::clear_from(u64 first) {
    if (!root_) return 0;
    const u64 dropped = clear_node(root_, levels_, 0, first);
    if (first == 0) {
        kfree(root_);
        root_ = nullptr;
        levels_ = 0;
    }
    return dropped;
}

u64 PageTree::next_in(const Node* node, u32 level, u64 base, u64 first) {
    const u64 span = 1ull << (kBits * (level - 1));
    for (u32 i = 0; i < kWays; i++) {
        const u64 start = base + i * span;
        if (!node->slots[i] || start + span <= first) continue;
        if (level == 1) return start;
        const u64 found = next_in(static_cast<const Node*>(node->slots[i]), level - 1, start, first);
        if (found != kNone) return found;
    }
    return kNone;
}

u64 PageTree::next_present(u64 first) const {
    return root_ ? next_in(root_, levels_, 0, first) : kNone;
}
