// The types and global variables of a program, from its DWARF: how the debugger finds a guest's structures by
// name, with no offset written down anywhere.
//
// typedefs, const and volatile are seen through. A structure declared in several units is taken once,
// complete.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

enum class TypeKind : u8 {
    Void,
    Integer,
    Boolean,
    Character,
    Float,
    Enumeration,
    Pointer,
    Array,
    Structure,
    Function
};

struct Type;

struct Member {
    std::string name = {};  // empty: an anonymous structure or union
    u64 offset = 0;         // bytes
    u32 bit_offset = 0;
    u32 bit_size = 0;   // 0: not a bit-field
    bool base = false;  // a base class
    const Type* type = nullptr;
};

struct Enumerator {
    std::string name;
    i64 value = 0;
};

struct Type {
    TypeKind kind = TypeKind::Void;
    std::string
        name;      // qualified: "orrery::Thing"; of a pointer or array: that of the target with "*" or "[]"
    u64 size = 0;  // bytes; 0: unknown (only declared)
    bool is_signed = false;
    const Type* target = nullptr;  // of a pointer, array or reference; null: void
    u64 count = 0;                 // elements of an array
    std::vector<Member> members = {};
    std::vector<Enumerator> enumerators = {};

    // A member by name, searched in anonymous members and base classes too; offset is from this type's start.
    // False if there is none.
    bool find_member(std::string_view name, Member* found) const;
    // The name of an enumerator with this value, "" if none.
    std::string enumerator_name(i64 value) const;
};

struct GlobalVariable {
    std::string name;  // qualified
    u64 address = 0;
    const Type* type = nullptr;
};

class TypeTable {
  public:
    TypeTable();
    ~TypeTable();
    TypeTable(TypeTable&&) noexcept;
    TypeTable& operator=(TypeTable&&) noexcept;

    // Throws DebugInfoError if the file is no ELF file; one without DWARF gives an empty table.
    static TypeTable open(const std::string& path);

    // A structure, class, union or enumeration (or typedef of one) by its qualified name; nullptr if there is
    // none.
    const Type* type(std::string_view name) const;
    // A global or static variable with an address of its own.
    const GlobalVariable* global(std::string_view name) const;
    bool empty() const;

    // For tests: makes types by hand.
    Type* add_type(Type type);
    void add_global(GlobalVariable variable);

  private:
    friend class TypeReader;
    std::vector<std::unique_ptr<Type>> types_;
    std::map<std::string, const Type*, std::less<>> by_name_;
    std::map<std::string, GlobalVariable, std::less<>> globals_;
};

}  // namespace orrery
