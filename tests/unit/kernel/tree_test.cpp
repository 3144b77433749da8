// Tree and RangeSet of the kernel against the standard library's containers.
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>
#include "tests/unit/catch.h"

#include "core/range_set.h"
#include "core/tree.h"

namespace {

struct Item {
    u64 key = 0;
    u64 value = 0;
    u64 least = 0;  // of `value` in the subtree
    TreeNode node;
};
struct ByKey {
    static bool less(const Item& a, const Item& b) { return a.key < b.key; }
    static void update(Item& item, const Item* left, const Item* right) {
        item.least = item.value;
        if (left) item.least = min(item.least, left->least);
        if (right) item.least = min(item.least, right->least);
    }
};
using Items = Tree<Item, &Item::node, ByKey>;

int checked_height(const Item* item, u64& count) {
    if (!item) return 0;
    count++;
    const int left = checked_height(Items::left(item), count),
              right = checked_height(Items::right(item), count);
    REQUIRE(std::abs(left - right) <= 1);
    REQUIRE(item->node.height == std::max(left, right) + 1);
    u64 least = item->value;
    if (const Item* l = Items::left(item)) least = std::min(least, l->least);
    if (const Item* r = Items::right(item)) least = std::min(least, r->least);
    REQUIRE(item->least == least);
    return std::max(left, right) + 1;
}

}  // namespace

TEST_CASE("a tree keeps order, balance and its subtrees' values", "[tree]") {
    std::mt19937_64 random(1);
    Items tree;
    std::multimap<u64, Item*> model;
    std::vector<std::unique_ptr<Item>> items;
    for (int step = 0; step < 20'000; step++) {
        if (model.size() < 200 && random() % 5 < 3) {
            auto item = std::make_unique<Item>();
            item->key = random() % 300;
            item->value = random();
            tree.insert(item.get());
            model.emplace(item->key, item.get());
            items.push_back(std::move(item));
        } else if (!model.empty()) {
            auto it = std::next(model.begin(), static_cast<long>(random() % model.size()));
            tree.remove(it->second);
            REQUIRE(!it->second->node.linked());
            model.erase(it);
        }
        if (step % 50 != 0) continue;
        u64 count = 0;
        checked_height(tree.root(), count);
        REQUIRE(count == model.size());
        REQUIRE(tree.empty() == model.empty());
        const Item* item = tree.first();
        for (const auto& [key, expected] : model) {  // equal keys too: in the order of their insertion
            REQUIRE(item == expected);
            item = Items::next(item);
        }
        REQUIRE(item == nullptr);
        if (!model.empty()) REQUIRE(tree.last() == model.rbegin()->second);
        const u64 bound = random() % 320;
        const Item* found = tree.first_where([&](const Item& i) { return i.key >= bound; });
        const auto expected = model.lower_bound(bound);
        REQUIRE(found == (expected == model.end() ? nullptr : expected->second));
        if (found && found != tree.first()) REQUIRE(Items::next(Items::prev(found)) == found);
    }
}

TEST_CASE("a set of ranges counts what is new and what was there", "[range_set]") {
    std::mt19937 random(2);
    RangeSet ranges;
    std::set<u64> model;
    for (int step = 0; step < 5'000; step++) {
        const u64 from = random() % 100, to = from + 1 + random() % 20;
        u64 before = 0;
        for (u64 i = from; i < to; i++) before += model.count(i);
        REQUIRE(ranges.count(from, to) == before);
        if (random() % 2) {
            REQUIRE(ranges.add(from, to).value() == to - from - before);
            for (u64 i = from; i < to; i++) model.insert(i);
        } else {
            REQUIRE(ranges.remove(from, to).value() == before);
            for (u64 i = from; i < to; i++) model.erase(i);
        }
        REQUIRE(ranges.size() == model.size());
    }
}
