#include "emulator/guestos/orrery/orrery_paths.h"

namespace orrery {

std::string OrreryPaths::problem() const {
#define ORRERY_MEMBER(field, structure, path) \
    if (!field.problem().empty()) return field.problem();
#define ORRERY_GLOBAL(field, variable, path) ORRERY_MEMBER(field, variable, path)
#define ORRERY_ENUMERATOR(field, enumeration, name) ORRERY_MEMBER(field, enumeration, name)
#define ORRERY_FUNCTION(field, symbol)
#include "emulator/guestos/orrery/paths.def"
#undef ORRERY_MEMBER
#undef ORRERY_GLOBAL
#undef ORRERY_ENUMERATOR
#undef ORRERY_FUNCTION
    return "";
}

}  // namespace orrery
