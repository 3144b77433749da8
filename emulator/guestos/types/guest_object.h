// An object in guest memory, seen through its type: reading a kernel's structures as one would write them in
// C, `task["mm"]["pgd"].value()`.
//
// Every step that fails (no such member, a null or unmapped pointer) throws GuestReadError with a line that
// says which; whoever walks guest structures catches it where a partial answer is still useful.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/guestos/types/types.h"

namespace orrery {

class GuestReadError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class GuestObject {
  public:
    GuestObject(const GuestMemory& memory, const Type* type, u64 address)
        : memory_(&memory), type_(type), address_(address) {}

    u64 address() const { return address_; }
    const Type* type() const { return type_; }

    bool has(std::string_view member) const;
    // A member; of a pointer, of what it points to.
    GuestObject operator[](std::string_view member) const;
    // An element of an array, or of what a pointer points to.
    GuestObject at(u64 index) const;
    // What a pointer points to. Throws for null.
    GuestObject deref() const;
    bool null() const { return value() == 0; }

    // An integer, boolean, enumeration or pointer, zero-extended; signed_value sign-extends.
    u64 value() const;
    i64 signed_value() const;
    // A character array, or the string that a pointer points to.
    std::string text(size_t limit = 4096) const;

    // The structure `type` whose member `member` this object is (container_of).
    GuestObject container(const Type* type, std::string_view member) const;

  private:
    const GuestMemory* memory_;
    const Type* type_;
    u64 address_;
};

}  // namespace orrery
