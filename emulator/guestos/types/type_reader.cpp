// DWARF to types by libdw (DWARF 5, chapters 4 and 5). Reads every unit once; each type die becomes one Type,
// and equally named complete structures of several units share the first.
#include <dwarf.h>
#include <elfutils/libdw.h>

#include <unordered_map>

#include "emulator/guestos/symbols/elf_file.h"
#include "emulator/guestos/types/types.h"

namespace orrery {

class TypeReader {
  public:
    explicit TypeReader(TypeTable& table) : table_(table) {}

    void read(Dwarf* dwarf) {
        Dwarf_CU* cursor = nullptr;
        Dwarf_Die unit;
        while (dwarf_get_units(dwarf, cursor, &cursor, nullptr, nullptr, &unit, nullptr) == 0)
            read_children(unit, "");
    }

  private:
    static constexpr unsigned kMaxDepth = 32;  // of nested scopes: a damaged file must not exhaust the stack

    static std::string name_of(Dwarf_Die& die) {
        const char* name = dwarf_diename(&die);
        return name != nullptr ? name : "";
    }

    static u64 number(Dwarf_Die& die, unsigned attribute, u64 otherwise) {
        Dwarf_Attribute found;
        Dwarf_Word value = 0;
        if (dwarf_attr_integrate(&die, attribute, &found) == nullptr) return otherwise;
        return dwarf_formudata(&found, &value) == 0 ? value : otherwise;
    }

    // Named types and variables below `parent`, also in namespaces, structures and functions (static
    // variables).
    void read_children(Dwarf_Die& parent, const std::string& scope, unsigned depth = 0) {
        Dwarf_Die child;
        if (depth > kMaxDepth || dwarf_child(&parent, &child) != 0) return;
        do {
            const int tag = dwarf_tag(&child);
            const std::string name = name_of(child);
            const std::string qualified = name.empty() ? scope : scope.empty() ? name : scope + "::" + name;
            switch (tag) {
                case DW_TAG_namespace:
                    read_children(child, qualified, depth + 1);
                    break;
                case DW_TAG_structure_type:
                case DW_TAG_class_type:
                case DW_TAG_union_type:
                case DW_TAG_enumeration_type:
                    if (!name.empty()) named(child, qualified);
                    read_children(child, qualified, depth + 1);
                    break;
                case DW_TAG_typedef:
                    if (const Type* type = target_of(child))
                        if (!name.empty() && type->kind == TypeKind::Structure)
                            table_.by_name_.emplace(qualified, type);
                    break;
                case DW_TAG_variable:
                    variable(child, qualified);
                    break;
                case DW_TAG_subprogram:
                case DW_TAG_lexical_block:
                    read_children(child, scope, depth + 1);
                    break;
                default:
                    break;
            }
        } while (dwarf_siblingof(&child, &child) == 0);
    }

    void named(Dwarf_Die& die, const std::string& qualified) {
        bool declaration = false;
        Dwarf_Attribute attribute;
        if (dwarf_attr(&die, DW_AT_declaration, &attribute) != nullptr)
            dwarf_formflag(&attribute, &declaration);
        if (declaration) return;
        if (table_.by_name_.find(qualified) != table_.by_name_.end()) return;
        Type* type = make(die);
        type->name = qualified;
        table_.by_name_.emplace(qualified, type);
        // What was only declared until now gets its content.
        if (auto open = declared_.find(qualified); open != declared_.end()) {
            for (Type* waiting : open->second) copy_layout(*type, *waiting);
            declared_.erase(open);
        }
    }

    static void copy_layout(const Type& from, Type& to) {
        to.size = from.size;
        to.members = from.members;
        to.enumerators = from.enumerators;
        to.kind = from.kind;
    }

    void variable(Dwarf_Die& die, const std::string& qualified) {
        // A definition apart from its declaration (in a namespace, extern, a static member) has name and type
        // there.
        Dwarf_Die origin = die;
        Dwarf_Attribute attribute;
        std::string name = qualified;
        if (dwarf_attr(&die, DW_AT_specification, &attribute) != nullptr &&
            dwarf_formref_die(&attribute, &origin) != nullptr) {
            const auto declared = variables_.find(dwarf_dieoffset(&origin));
            name = declared != variables_.end() ? declared->second : name_of(origin);
        } else if (!name.empty()) {
            variables_.emplace(dwarf_dieoffset(&die), name);
        }
        Dwarf_Op* ops = nullptr;
        size_t count = 0;
        if (name.empty() || dwarf_attr(&die, DW_AT_location, &attribute) == nullptr) return;
        if (dwarf_getlocation(&attribute, &ops, &count) != 0 || count != 1) return;
        Dwarf_Addr address = ops[0].number;
        if (ops[0].atom == DW_OP_addrx) {
            // DWARF 5 as clang writes it: an index into the unit's addresses.
            Dwarf_Attribute indexed;
            if (dwarf_getlocation_attr(&attribute, &ops[0], &indexed) != 0 ||
                dwarf_formaddr(&indexed, &address) != 0)
                return;
        } else if (ops[0].atom != DW_OP_addr) {
            return;
        }
        table_.add_global({name, address, target_of(origin)});
    }

    // The Type of the die that `die`'s DW_AT_type refers to; nullptr for void.
    const Type* target_of(Dwarf_Die& die) {
        Dwarf_Attribute attribute;
        Dwarf_Die target;
        if (dwarf_attr_integrate(&die, DW_AT_type, &attribute) == nullptr) return nullptr;
        if (dwarf_formref_die(&attribute, &target) == nullptr) return nullptr;
        return type_of(target);
    }

    const Type* type_of(Dwarf_Die& die) {
        switch (dwarf_tag(&die)) {
            case DW_TAG_typedef:
            case DW_TAG_const_type:
            case DW_TAG_volatile_type:
            case DW_TAG_restrict_type:
            case DW_TAG_atomic_type: {
                if (++alias_depth_ > kMaxDepth) return --alias_depth_, nullptr;
                const Type* target = target_of(die);
                --alias_depth_;
                return target;
            }
            default:
                return make(die);
        }
    }

    Type* make(Dwarf_Die& die) {
        const Dwarf_Off offset = dwarf_dieoffset(&die);
        if (auto found = by_offset_.find(offset); found != by_offset_.end()) return found->second;
        table_.types_.push_back(std::make_unique<Type>());
        Type* type = table_.types_.back().get();
        by_offset_.emplace(offset, type);  // before its members: they may point back
        type->name = name_of(die);
        type->size = number(die, DW_AT_byte_size, 0);
        fill(die, *type);
        return type;
    }

    void fill(Dwarf_Die& die, Type& type) {
        switch (dwarf_tag(&die)) {
            case DW_TAG_base_type:
                base_type(die, type);
                break;
            case DW_TAG_pointer_type:
            case DW_TAG_reference_type:
            case DW_TAG_rvalue_reference_type:
                type.kind = TypeKind::Pointer;
                if (type.size == 0) type.size = 8;
                type.target = target_of(die);
                type.name = (type.target != nullptr ? type.target->name : "void") + "*";
                break;
            case DW_TAG_ptr_to_member_type:
                type.kind = TypeKind::Integer;
                if (type.size == 0) type.size = 8;
                break;
            case DW_TAG_array_type:
                array(die, type);
                break;
            case DW_TAG_structure_type:
            case DW_TAG_class_type:
            case DW_TAG_union_type:
                structure(die, type);
                break;
            case DW_TAG_enumeration_type:
                enumeration(die, type);
                break;
            case DW_TAG_subroutine_type:
                type.kind = TypeKind::Function;
                break;
            default:
                break;
        }
    }

    static void base_type(Dwarf_Die& die, Type& type) {
        const u64 encoding = number(die, DW_AT_encoding, DW_ATE_unsigned);
        type.is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
        switch (encoding) {
            case DW_ATE_boolean:
                type.kind = TypeKind::Boolean;
                break;
            case DW_ATE_float:
                type.kind = TypeKind::Float;
                break;
            case DW_ATE_signed_char:
            case DW_ATE_unsigned_char:
                type.kind = TypeKind::Character;
                break;
            default:
                type.kind = TypeKind::Integer;
                break;
        }
    }

    void array(Dwarf_Die& die, Type& type) {
        type.kind = TypeKind::Array;
        type.target = target_of(die);
        type.count = 1;
        Dwarf_Die child;
        if (dwarf_child(&die, &child) == 0) {
            do {
                if (dwarf_tag(&child) != DW_TAG_subrange_type) continue;
                const u64 upper = number(child, DW_AT_upper_bound, ~u64{0});
                type.count *= number(child, DW_AT_count, upper + 1);
            } while (dwarf_siblingof(&child, &child) == 0);
        }
        type.size = type.target != nullptr ? type.target->size * type.count : 0;
        type.name = (type.target != nullptr ? type.target->name : "") + "[]";
    }

    void structure(Dwarf_Die& die, Type& type) {
        type.kind = TypeKind::Structure;
        bool declaration = false;
        Dwarf_Attribute attribute;
        if (dwarf_attr(&die, DW_AT_declaration, &attribute) != nullptr)
            dwarf_formflag(&attribute, &declaration);
        if (declaration) {
            if (auto found = table_.by_name_.find(type.name); found != table_.by_name_.end())
                copy_layout(*found->second, type);
            else
                declared_[type.name].push_back(&type);
            return;
        }
        Dwarf_Die child;
        if (dwarf_child(&die, &child) != 0) return;
        std::vector<Member> members;
        do {
            const int tag = dwarf_tag(&child);
            if (tag != DW_TAG_member && tag != DW_TAG_inheritance) continue;
            if (dwarf_hasattr(&child, DW_AT_external) || dwarf_hasattr(&child, DW_AT_declaration)) continue;
            Member member;
            member.name = name_of(child);
            member.base = tag == DW_TAG_inheritance;
            member.offset = number(child, DW_AT_data_member_location, 0);
            member.bit_size = static_cast<u32>(number(child, DW_AT_bit_size, 0));
            if (member.bit_size != 0) {
                u64 bit = number(child, DW_AT_data_bit_offset, 0);
                // Before DWARF 4 (and clang still): counted from the most significant bit of a unit of
                // storage.
                if (dwarf_hasattr(&child, DW_AT_bit_offset)) {
                    const u64 storage = number(child, DW_AT_byte_size, 4) * 8;
                    bit = storage - number(child, DW_AT_bit_offset, 0) - member.bit_size;
                }
                member.offset += bit / 8;
                member.bit_offset = static_cast<u32>(bit % 8);
            }
            member.type = target_of(child);
            members.push_back(std::move(member));
        } while (dwarf_siblingof(&child, &child) == 0);
        type.members = std::move(members);
    }

    static void enumeration(Dwarf_Die& die, Type& type) {
        type.kind = TypeKind::Enumeration;
        Dwarf_Die child;
        if (dwarf_child(&die, &child) != 0) return;
        do {
            Dwarf_Attribute attribute;
            Dwarf_Sword value = 0;
            if (dwarf_tag(&child) != DW_TAG_enumerator) continue;
            if (dwarf_attr(&child, DW_AT_const_value, &attribute) == nullptr) continue;
            if (dwarf_formsdata(&attribute, &value) != 0) continue;
            type.enumerators.push_back({name_of(child), value});
        } while (dwarf_siblingof(&child, &child) == 0);
    }

    TypeTable& table_;
    std::unordered_map<Dwarf_Off, Type*> by_offset_;
    std::unordered_map<std::string, std::vector<Type*>> declared_;  // by name, waiting for the definition
    std::unordered_map<Dwarf_Off, std::string> variables_;          // qualified names of declarations
    unsigned alias_depth_ = 0;
};

TypeTable TypeTable::open(const std::string& path) {
    const ElfFile file(path);
    TypeTable table;
    Dwarf* dwarf = dwarf_begin_elf(file.elf(), DWARF_C_READ, nullptr);
    if (dwarf == nullptr) return table;
    TypeReader(table).read(dwarf);
    dwarf_end(dwarf);
    return table;
}

}  // namespace orrery
