// Archive: the one visitor of machine state.
//
// Every component describes its state once, in `void visit(Archive&)`. Snapshots, restoring, the state hash
// and the debugger's inspector are all made from it: state that is not visited does not exist. A visit names
// each field, in a fixed order; the order and the names are the snapshot's format.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "emulator/core/state/paged_memory.h"
#include "emulator/isa/types.h"

namespace orrery {

// A snapshot that cannot be loaded: truncated, of another machine, or damaged. what() is one line for the
// user.
class ArchiveError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Archive {
  public:
    enum class Kind { Unsigned, Signed, Bool };

    virtual ~Archive() = default;

    // True where the visit overwrites the fields it is given (restoring a snapshot).
    virtual bool loading() const = 0;

    // Brackets a component or an element; `name` need not outlive the call.
    virtual void begin(std::string_view name) = 0;
    virtual void end() = 0;

    // `size` raw bytes at `data`. `bytes` are opaque; scalars are native-endian (x86-64 hosts only).
    virtual void bytes(std::string_view name, void* data, size_t size) = 0;
    virtual void scalar(std::string_view name, void* data, size_t size, Kind kind) = 0;

    // Guest memory. Pages of zeros cost nothing.
    virtual void pages(std::string_view name, PagedMemory& memory) = 0;

    // A named integer, enum or bool.
    template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>) void field(std::string_view name, T& value) {
        constexpr Kind kind = std::is_same_v<T, bool> ? Kind::Bool
                              : std::is_signed_v<T>   ? Kind::Signed
                                                      : Kind::Unsigned;
        scalar(name, &value, sizeof value, kind);
    }

    // An object with a visit() of its own.
    template <typename T>
    requires requires(T& value, Archive& archive) { value.visit(archive); }
    void field(std::string_view name, T& value) {
        begin(name);
        value.visit(*this);
        end();
    }

    // A fixed array: every element in turn; arrays of bytes as one block.
    template <typename T, size_t N>
    void field(std::string_view name, T (&values)[N]) {
        elements(name, values, N);
    }
    template <typename T, size_t N>
    void field(std::string_view name, std::array<T, N>& values) {
        elements(name, values.data(), N);
    }

    // A vector or string; its length is part of the state. On loading, a length above `limit` elements is an
    // error, so that a damaged snapshot cannot ask for all of the host's memory.
    template <typename T>
    void field(std::string_view name, std::vector<T>& values, size_t limit = size_t{1} << 24) {
        sequence(name, values, limit);
    }
    void field(std::string_view name, std::string& text, size_t limit = size_t{1} << 24) {
        sequence(name, text, limit);
    }

  private:
    template <typename T>
    void elements(std::string_view name, T* values, size_t count) {
        if constexpr (std::is_same_v<T, u8>) {
            bytes(name, values, count);
        } else {
            begin(name);
            for (size_t i = 0; i < count; ++i) field("item", values[i]);
            end();
        }
    }

    template <typename Sequence>
    void sequence(std::string_view name, Sequence& values, size_t limit) {
        begin(name);
        u64 count = values.size();
        field("count", count);
        if (loading()) {
            if (count > limit) throw ArchiveError("snapshot: " + std::string(name) + " is too long");
            values.resize(static_cast<size_t>(count));
        }
        if constexpr (sizeof(values[0]) == 1) {
            bytes("data", values.data(), values.size());
        } else {
            for (auto& value : values) field("item", value);
        }
        end();
    }
};

// Writes the visited state to a byte vector.
class SaveArchive : public Archive {
  public:
    bool loading() const override { return false; }
    void begin(std::string_view name) override;
    void end() override {}
    void bytes(std::string_view name, void* data, size_t size) override;
    void scalar(std::string_view name, void* data, size_t size, Kind kind) override;
    void pages(std::string_view name, PagedMemory& memory) override;

    std::vector<u8> take() { return std::move(out_); }

  private:
    std::vector<u8> out_;
};

// Reads what SaveArchive wrote. Throws ArchiveError where the bytes end early or name another component.
class LoadArchive : public Archive {
  public:
    explicit LoadArchive(std::vector<u8> data) : data_(std::move(data)) {}
    bool loading() const override { return true; }
    void begin(std::string_view name) override;
    void end() override {}
    void bytes(std::string_view name, void* data, size_t size) override;
    void scalar(std::string_view name, void* data, size_t size, Kind kind) override;
    void pages(std::string_view name, PagedMemory& memory) override;
    bool at_end() const { return position_ == data_.size(); }

  private:
    std::vector<u8> data_;
    size_t position_ = 0;
};

// XXH3-64 over all visited bytes, in order; names are not part of it. Of guest memory it takes
// PagedMemory::hash().
class HashArchive : public Archive {
  public:
    HashArchive();
    ~HashArchive() override;
    HashArchive(const HashArchive&) = delete;
    HashArchive& operator=(const HashArchive&) = delete;

    bool loading() const override { return false; }
    void begin(std::string_view) override {}
    void end() override {}
    void bytes(std::string_view name, void* data, size_t size) override;
    void scalar(std::string_view name, void* data, size_t size, Kind kind) override;
    void pages(std::string_view name, PagedMemory& memory) override;

    u64 digest() const;

  private:
    void* state_;  // XXH3_state_t
};

}  // namespace orrery
