// Vec<T>: a growing array whose growth may fail.
//
// Guarantees: push/resize/reserve answer ENOMEM and leave the contents as they were; elements are moved, so T
// must be movable. Pointers into it are valid until the next growth.
#pragma once

#include <new>
#include <utility>

#include "core/kmalloc.h"
#include "core/result.h"
#include "core/string.h"

template <class T>
class Vec {
  public:
    Vec() = default;
    Vec(Vec&& other) : data_(other.data_), size_(other.size_), capacity_(other.capacity_) { other.forget(); }
    Vec& operator=(Vec&& other) {
        if (this != &other) {
            destroy();
            data_ = other.data_;
            size_ = other.size_;
            capacity_ = other.capacity_;
            other.forget();
        }
        return *this;
    }
    ~Vec() { destroy(); }

    size_t size() const { return size_; }
    size_t capacity() const { return capacity_; }
    bool empty() const { return size_ == 0; }
    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](size_t i) {
        BUG_ON(i >= size_);
        return data_[i];
    }
    const T& operator[](size_t i) const {
        BUG_ON(i >= size_);
        return data_[i];
    }
    T& back() { return (*this)[size_ - 1]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }

    Result<void> reserve(size_t capacity) {
        if (capacity <= capacity_) return {};
        T* fresh = static_cast<T*>(kmalloc(capacity * sizeof(T)));
        if (!fresh) return Errno::ENOMEM;
        if constexpr (__is_trivially_copyable(T)) {
            if (size_) memcpy(fresh, data_, size_ * sizeof(T));
        } else {
            for (size_t i = 0; i < size_; i++) {
                new (&fresh[i]) T(std::move(data_[i]));
                data_[i].~T();
            }
        }
        kfree(data_);
        data_ = fresh;
        capacity_ = capacity;
        return {};
    }
    Result<void> push(T value) {
        if (size_ == capacity_) TRY(reserve(capacity_ ? capacity_ * 2 : 8));
        new (&data_[size_++]) T(std::move(value));
        return {};
    }
    Result<void> resize(size_t size) {
        TRY(reserve(size));
        while (size_ > size) data_[--size_].~T();
        if constexpr (__is_trivially_copyable(T) && sizeof(T) == 1) {
            if (size_ < size) memset(data_ + size_, 0, size - size_);
            size_ = size;
        }
        while (size_ < size) new (&data_[size_++]) T();
        return {};
    }
    void pop() {
        BUG_ON(size_ == 0);
        data_[--size_].~T();
    }
    void erase(size_t i) {
        for (size_t j = i + 1; j < size_; j++) data_[j - 1] = std::move(data_[j]);
        pop();
    }
    void clear() {
        if constexpr (__is_trivially_copyable(T)) size_ = 0;
        while (size_) data_[--size_].~T();
    }

  private:
    void destroy() {
        clear();
        kfree(data_);
    }
    void forget() {
        data_ = nullptr;
        size_ = capacity_ = 0;
    }
    T* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};
