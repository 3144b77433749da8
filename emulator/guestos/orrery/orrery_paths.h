// The rows of paths.def, looked up in a kernel's debug information.
#pragma once

#include <string>

#include "emulator/guestos/types/member_path.h"

namespace orrery {

struct OrreryPaths {
    // Must outlive the paths.
    explicit OrreryPaths(const TypeTable& type_table) : types(type_table) {}

    // Of the first row that the kernel does not have, MemberPath::problem(); empty if it has all.
    std::string problem() const;

    const TypeTable& types;
#define ORRERY_MEMBER(field, structure, path) MemberPath field = MemberPath::of_type(types, structure, path);
#define ORRERY_GLOBAL(field, variable, path) MemberPath field = MemberPath::of_global(types, variable, path);
#define ORRERY_ENUMERATOR(field, enumeration, name) EnumeratorPath field{types, enumeration, name};
#define ORRERY_FUNCTION(field, symbol) static constexpr const char* field = symbol;
#include "emulator/guestos/orrery/paths.def"
#undef ORRERY_MEMBER
#undef ORRERY_GLOBAL
#undef ORRERY_ENUMERATOR
#undef ORRERY_FUNCTION
};

}  // namespace orrery
