// The way from an object in guest memory to one of its values, by the names of members: "space.refs" of a
// Task. It is looked up in the debug information once; to go it is then a load for each pointer on it.
//
// A name that is not there is said when the way is gone, not when it is looked up: what does not need it
// still works.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/guestos/types/types.h"

namespace orrery {

// What cannot be read, in one line; whoever walks guest structures catches it where a partial answer is still
// useful.
class GuestReadError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class MemberPath {
  public:
    // Members of a structure, with dots between them; pointers on the way are followed.
    static MemberPath of_type(const TypeTable& types, std::string_view type, std::string_view path);
    // The same of a global variable: the object of what follows is 0. An empty path is the variable itself.
    static MemberPath of_global(const TypeTable& types, std::string_view variable, std::string_view path);

    // "the kernel's debug information has no Task.space.refs (Space has no member refs)"; empty if all is
    // there.
    const std::string& problem() const { return problem_; }

    // All of these throw GuestReadError: problem(), or a pointer that is null or leads to where nothing is.
    // Of the member in the object at `object`:
    u64 address(const GuestMemory& memory, u64 object = 0) const;
    // an integer, boolean, enumeration or pointer, zero-extended; signed_value sign-extends;
    u64 value(const GuestMemory& memory, u64 object = 0) const;
    i64 signed_value(const GuestMemory& memory, u64 object = 0) const;
    // a character array, or the string that a pointer points to.
    std::string text(const GuestMemory& memory, u64 object = 0, size_t limit = 4096) const;
    // The object whose member lies at `member` (container_of): no pointer may be on the way.
    u64 container(u64 member) const;

  private:
    MemberPath() = default;
    static MemberPath from(std::string_view root, const Type* type, u64 base, std::string_view path);
    void check() const;

    std::string name_;  // "Task.space.refs"
    std::string problem_;
    std::vector<u64> offsets_;  // a pointer is followed between one and the next
    const Type* type_ = nullptr;
};

// An enumeration's value by name.
class EnumeratorPath {
  public:
    EnumeratorPath(const TypeTable& types, std::string_view enumeration, std::string_view name);
    const std::string& problem() const { return problem_; }
    // Throws GuestReadError.
    u64 value() const;

  private:
    std::string problem_;
    u64 value_ = 0;
};

}  // namespace orrery
