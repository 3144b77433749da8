// Look-ups in the table of types.
#include "emulator/guestos/types/types.h"

namespace orrery {

bool Type::find_member(std::string_view wanted, Member* found) const {
    for (const Member& member : members) {
        if (member.name == wanted && !member.base) {
            *found = member;
            return true;
        }
    }
    for (const Member& member : members) {
        if (!member.base && !member.name.empty()) continue;
        if (member.type == nullptr || !member.type->find_member(wanted, found)) continue;
        found->offset += member.offset;
        return true;
    }
    return false;
}

std::string Type::enumerator_name(i64 value) const {
    for (const Enumerator& enumerator : enumerators)
        if (enumerator.value == value) return enumerator.name;
    return "";
}

TypeTable::TypeTable() = default;
TypeTable::~TypeTable() = default;
TypeTable::TypeTable(TypeTable&&) noexcept = default;
TypeTable& TypeTable::operator=(TypeTable&&) noexcept = default;

const Type* TypeTable::type(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

const GlobalVariable* TypeTable::global(std::string_view name) const {
    const auto found = globals_.find(name);
    return found == globals_.end() ? nullptr : &found->second;
}

bool TypeTable::empty() const {
    return types_.empty();
}

Type* TypeTable::add_type(Type type) {
    types_.push_back(std::make_unique<Type>(std::move(type)));
    Type* added = types_.back().get();
    if (!added->name.empty()) by_name_.emplace(added->name, added);
    return added;
}

void TypeTable::add_global(GlobalVariable variable) {
    std::string name = variable.name;
    globals_.emplace(std::move(name), std::move(variable));
}

}  // namespace orrery
