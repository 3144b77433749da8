// KString: an owned, growing, always terminated byte string with printf-like appending.
//
// Guarantees: appends answer ENOMEM and leave the string unchanged; c_str() is never null.
#pragma once

#include "core/result.h"
#include "core/string.h"
#include "core/vector.h"

class KString {
  public:
    KString() = default;
    KString(KString&&) = default;
    KString& operator=(KString&&) = default;
    static Result<KString> make(const char* text) { return make(text, strlen(text)); }
    static Result<KString> make(const char* text, size_t length) {
        KString s;
        TRY(s.append(text, length));
        return s;
    }
    const char* c_str() const { return bytes_.empty() ? "" : bytes_.data(); }
    char* data() { return bytes_.data(); }
    size_t size() const { return bytes_.empty() ? 0 : bytes_.size() - 1; }
    bool empty() const { return size() == 0; }
    bool operator==(const char* other) const { return strcmp(c_str(), other) == 0; }
    char operator[](size_t i) const { return bytes_[i]; }
    void clear() { bytes_.clear(); }
    Result<void> append(const char* text) { return append(text, strlen(text)); }
    Result<void> append(const char* text, size_t length) {
        if (length > kMaxLength) return Errno::ENOMEM;
        const size_t old = size();
        if (old + length + 1 > bytes_.capacity())
            TRY(bytes_.reserve(max<size_t>(old + length + 1, bytes_.capacity() + bytes_.capacity() / 2)));
        TRY(bytes_.resize(old + length + 1));
        memcpy(bytes_.data() + old, text, length);
        bytes_[old + length] = '\0';
        return {};
    }
    Result<void> push(char c) { return append(&c, 1); }
    /// Append formatted text (see core/string.h for the conversions).
    __attribute__((format(printf, 2, 3))) Result<void> appendf(const char* format, ...);

  private:
    static constexpr size_t kMaxLength = 4 << 20;  // what kmalloc can give
    Vec<char> bytes_;
};
