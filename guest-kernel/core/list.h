// An intrusive, circular, doubly linked list: List<T, &T::node>, with no allocation.
//
// Guarantees: constant-time insertion and removal; a node knows whether it is in a list; removal of the
// current element while iterating with for_each_safe() is allowed. A node must leave its list before it dies.
#pragma once

#include "core/types.h"

struct ListNode {
    ListNode* next = this;
    ListNode* prev = this;

    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;

    bool linked() const { return next != this; }
    void insert_before(ListNode* position) {
        prev = position->prev;
        next = position;
        prev->next = this;
        position->prev = this;
    }
    void remove() {
        prev->next = next;
        next->prev = prev;
        next = prev = this;
    }
};

template <class T, ListNode T::*Member>
class List {
  public:
    class Iterator {
      public:
        explicit Iterator(ListNode* node) : node_(node) {}
        T& operator*() const { return *owner(node_); }
        T* operator->() const { return owner(node_); }
        Iterator& operator++() {
            node_ = node_->next;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return node_ != other.node_; }

      private:
        ListNode* node_;
    };

    bool empty() const { return !head_.linked(); }
    T* front() const { return empty() ? nullptr : owner(head_.next); }
    T* back() const { return empty() ? nullptr : owner(head_.prev); }
    void push_back(T* item) { (item->*Member).insert_before(&head_); }
    void push_front(T* item) { (item->*Member).insert_before(head_.next); }
    /// Put `item` in front of `position` (which is in this list).
    void insert_before(T* position, T* item) { (item->*Member).insert_before(&(position->*Member)); }
    void insert_after(T* position, T* item) { (item->*Member).insert_before((position->*Member).next); }
    static void remove(T* item) { (item->*Member).remove(); }
    T* pop_front() {
        T* item = front();
        if (item) remove(item);
        return item;
    }
    /// The neighbour of `item`, or nullptr at the end.
    T* next(const T* item) const {
        ListNode* n = (item->*Member).next;
        return n == &head_ ? nullptr : owner(n);
    }
    T* prev(const T* item) const {
        ListNode* n = (item->*Member).prev;
        return n == &head_ ? nullptr : owner(n);
    }
    template <class F>
    void for_each_safe(F visit) {
        for (ListNode *n = head_.next, *after = n->next; n != &head_; n = after, after = n->next) {
            visit(*owner(n));
        }
    }
    size_t count() const {
        size_t n = 0;
        for (ListNode* p = head_.next; p != &head_; p = p->next) n++;
        return n;
    }
    Iterator begin() const { return Iterator(head_.next); }
    Iterator end() const { return Iterator(const_cast<ListNode*>(&head_)); }

  private:
    static T* owner(ListNode* node) {
        const T* probe = reinterpret_cast<const T*>(alignof(T) * 4096);
        const size_t offset = reinterpret_cast<size_t>(&(probe->*Member)) - reinterpret_cast<size_t>(probe);
        return reinterpret_cast<T*>(reinterpret_cast<u8*>(node) - offset);
    }
    ListNode head_;
};
