// Trees that keep their balance (core/tree.h).
//
// Guarantees: the heights of a node's children differ by one at most, so that a tree of n nodes is at most 1.45 log2 n
// high.
#include "core/tree.h"

namespace {

int height_of(const TreeNode* node) {
    return node ? node->height : 0;
}

void measure(TreeNode* node, void (*update)(TreeNode*)) {
    node->height = static_cast<u8>(max(height_of(node->child[0]), height_of(node->child[1])) + 1);
    if (update) update(node);
}

}  // namespace

TreeNode* TreeShape::extreme(TreeNode* node, unsigned side) {
    while (node && node->child[side]) node = node->child[side];
    return node;
}

TreeNode* TreeShape::neighbour(TreeNode* node, unsigned side) {
    if (node->child[side]) return extreme(node->child[side], 1 - side);
    TreeNode* above = node->parent;
    while (above && above->child[side] == node) {
        node = above;
        above = above->parent;
    }
    return above;
}

/// Lets the parent of `old_node` point to `fresh`, which may be null.
void TreeShape::replace(TreeNode* old_node, TreeNode* fresh) {
    TreeNode* parent = old_node->parent;
    if (!parent)
        root_ = fresh;
    else
        parent->child[parent->child[1] == old_node ? 1 : 0] = fresh;
    if (fresh) fresh->parent = parent;
}

/// Turns `node` down to `side`; its other child takes its place and is answered.
TreeNode* TreeShape::rotate(TreeNode* node, unsigned side, Update update) {
    TreeNode* up = node->child[1 - side];
    replace(node, up);
    node->child[1 - side] = up->child[side];
    if (up->child[side]) up->child[side]->parent = node;
    up->child[side] = node;
    node->parent = up;
    measure(node, update);
    measure(up, update);
    return up;
}

/// Balances `node`, whose subtrees are balanced; answers the root of what was its subtree.
TreeNode* TreeShape::rebalance(TreeNode* node, Update update) {
    measure(node, update);
    const int lean = height_of(node->child[1]) - height_of(node->child[0]);
    if (lean >= -1 && lean <= 1) return node;
    const unsigned heavy = lean > 0 ? 1 : 0;
    TreeNode* child = node->child[heavy];
    if (height_of(child->child[1 - heavy]) > height_of(child->child[heavy])) rotate(child, heavy, update);
    return rotate(node, 1 - heavy, update);
}

/// From `node` to the root.
void TreeShape::climb(TreeNode* node, Update update) {
    while (node) node = rebalance(node, update)->parent;
}

void TreeShape::insert(TreeNode* node, TreeNode* parent, unsigned side, Update update) {
    node->parent = parent;
    node->child[0] = node->child[1] = nullptr;
    node->height = 1;
    if (parent)
        parent->child[side] = node;
    else
        root_ = node;
    climb(node, update);
}

void TreeShape::remove(TreeNode* node, Update update) {
    TreeNode* changed = node->parent;
    if (node->child[0] &&
        node->child[1]) {  // the next larger node, which has one child at most, takes its place
        TreeNode* heir = extreme(node->child[1], 0);
        changed = heir->parent == node ? heir : heir->parent;
        replace(heir, heir->child[1]);
        heir->child[0] = node->child[0];
        heir->child[1] = node->child[1];
        for (TreeNode* child : heir->child) {
            if (child) child->parent = heir;
        }
        replace(node, heir);
    } else {
        replace(node, node->child[node->child[0] ? 0 : 1]);
    }
    node->height = 0;
    climb(changed, update);
}
