// Tree: an intrusive, balanced search tree (AVL: Adelson-Velsky and Landis, 1962) that allocates nothing.
//
//   struct Area { u64 end; TreeNode node; };
//   struct ByEnd { static bool less(const Area& a, const Area& b) { return a.end < b.end; } };
//   Tree<Area, &Area::node, ByEnd> areas;
//
// A Traits with update(T& item, const T* left, const T* right) keeps a value of each subtree, a minimum say, in its root:
// it is called from the leaves up whenever an item or what is below it has changed.
//
// Guarantees: insertion, removal and searches in O(log n); items that compare equal stay in the order of their insertion.
// An item must leave the tree before it dies, and keep its place among the others while it is in it.
#pragma once

#include "core/types.h"

struct TreeNode {
    TreeNode* parent = nullptr;
    TreeNode* child[2] = {};  // smaller, larger
    u8 height = 0;            // 0: in no tree; a leaf has 1

    TreeNode() = default;
    TreeNode(const TreeNode&) = delete;
    TreeNode& operator=(const TreeNode&) = delete;
    bool linked() const { return height != 0; }
};

/// The shape of a tree, for nodes of any kind.
class TreeShape {
  public:
    bool empty() const { return !root_; }

  protected:
    using Update = void (*)(TreeNode*);  // of one node, whose children are right; may be null

    static TreeNode* extreme(TreeNode* node, unsigned side);
    static TreeNode* neighbour(TreeNode* node, unsigned side);
    /// Hangs `node` below `parent`; null: it is the first.
    void insert(TreeNode* node, TreeNode* parent, unsigned side, Update update);
    void remove(TreeNode* node, Update update);
    static void refresh(TreeNode* node, Update update) {
        for (; node; node = node->parent) update(node);
    }

    TreeNode* root_ = nullptr;

  private:
    void replace(TreeNode* old_node, TreeNode* fresh);
    TreeNode* rotate(TreeNode* node, unsigned side, Update update);
    TreeNode* rebalance(TreeNode* node, Update update);
    void climb(TreeNode* node, Update update);
};

template <class T, TreeNode T::*Member, class Traits>
class Tree : TreeShape {
  public:
    using TreeShape::empty;

    void insert(T* item) {
        TreeNode* parent = nullptr;
        unsigned side = 0;
        for (TreeNode* n = root_; n; n = n->child[side]) {
            parent = n;
            side = Traits::less(*item, *owner(n)) ? 0 : 1;
        }
        TreeShape::insert(&(item->*Member), parent, side, kUpdate);
    }
    void remove(T* item) { TreeShape::remove(&(item->*Member), kUpdate); }

    /// What update() looks at in `item` has changed.
    void refresh(T* item) { TreeShape::refresh(&(item->*Member), kUpdate); }

    T* first() const { return owner(extreme(root_, 0)); }
    T* last() const { return owner(extreme(root_, 1)); }
    static T* next(const T* item) { return owner(neighbour(node_of(item), 1)); }
    static T* prev(const T* item) { return owner(neighbour(node_of(item), 0)); }
    /// The first item of which holds(item) is true; once true for one, it must be true for all larger ones.
    template <class F>
    T* first_where(F holds) const {
        TreeNode* found = nullptr;
        for (TreeNode* n = root_; n;) {
            const bool here = holds(*owner(n));
            if (here) found = n;
            n = n->child[here ? 0 : 1];
        }
        return owner(found);
    }

    // For walks that use a subtree's value.
    T* root() const { return owner(root_); }
    static T* left(const T* item) { return owner(node_of(item)->child[0]); }
    static T* right(const T* item) { return owner(node_of(item)->child[1]); }

  private:
    static TreeNode* node_of(const T* item) { return const_cast<TreeNode*>(&(item->*Member)); }
    static T* owner(TreeNode* node) {
        if (!node) return nullptr;
        const T* probe = reinterpret_cast<const T*>(alignof(T) * 4096);
        const size_t offset = reinterpret_cast<size_t>(&(probe->*Member)) - reinterpret_cast<size_t>(probe);
        return reinterpret_cast<T*>(reinterpret_cast<u8*>(node) - offset);
    }
    static void update_node(TreeNode* node) {
        if constexpr (requires(T & item) { Traits::update(item, &item, &item); })
            Traits::update(*owner(node), owner(node->child[0]), owner(node->child[1]));
    }
    static constexpr Update kUpdate = [] {
        if constexpr (requires(T & item) { Traits::update(item, &item, &item); })
            return Update{update_node};
        else
            return Update{nullptr};
    }();
};
