#include "emulator/isa/features.h"

#include <bit>

#include "emulator/isa/number.h"

namespace orrery {

namespace {

constexpr std::string_view kPhysicalBitsWord = "phys-bits=";

const FeatureRow& row_of(Feature feature) {
    return kFeatureRows[static_cast<u8>(feature) - 1];
}

Feature find(std::string_view text) {
    for (const FeatureRow& row : kFeatureRows)
        if (text == row.text) return row.feature;
    return Feature::None;
}

void add(CpuFeatures& features, Feature feature) {
    for (; feature != Feature::None; feature = row_of(feature).needs) features.set(feature);
}

void take_away(CpuFeatures& features, Feature feature) {
    features.clear(feature);
    for (const FeatureRow& row : kFeatureRows)
        if (row.needs == feature && features.has(row.feature)) take_away(features, row.feature);
}

// One word after the profile's; false where it is none.
bool apply(CpuFeatures& features, std::string_view word) {
    if (word.starts_with(kPhysicalBitsWord)) {
        const std::optional<u64> bits =
            parse_number(word.substr(kPhysicalBitsWord.size()), kMostPhysicalBits);
        if (!bits || *bits < kFewestPhysicalBits) return false;
        features.set_physical_bits(static_cast<unsigned>(*bits));
        return true;
    }
    const bool minus = word.starts_with("-");
    const Feature feature = find(word.substr(minus || word.starts_with("+") ? 1 : 0));
    if (feature == Feature::None) return false;
    minus ? take_away(features, feature) : add(features, feature);
    return true;
}

}  // namespace

std::optional<CpuFeatures> cpu_profile(std::string_view words, std::string* why) {
    const auto refuse = [why](std::string_view word, const char* what) {
        if (why != nullptr) *why = "'" + std::string(word) + "' " + what;
        return std::nullopt;
    };
    std::string_view word = words.substr(0, words.find(','));
    if (word != "v2" && word != "v3") return refuse(word, "is no processor: there are v2 and v3");
    CpuFeatures features(word == "v2" ? FeatureLevel::V2 : FeatureLevel::V3);
    while (word.size() < words.size()) {
        words.remove_prefix(word.size() + 1);
        word = words.substr(0, words.find(','));
        if (word.starts_with(kPhysicalBitsWord) && !apply(features, word))
            return refuse(word, "is no width: phys-bits is from 36 to 52");
        if (!apply(features, word)) return refuse(word, "is no feature that this processor can have");
    }
    return features;
}

std::string cpu_profile_text(const CpuFeatures& features) {
    const auto differences = [&](FeatureLevel level) {
        int count = 0;
        for (const FeatureRow& row : kFeatureRows)
            if (features.has(row.feature) != (row.level <= level)) ++count;
        return count;
    };
    const bool v3 = differences(FeatureLevel::V3) < differences(FeatureLevel::V2);
    const CpuFeatures profile(v3 ? FeatureLevel::V3 : FeatureLevel::V2);
    std::string text = v3 ? "v3" : "v2";
    for (const FeatureRow& row : kFeatureRows)
        if (features.has(row.feature) != profile.has(row.feature))
            text += std::string(features.has(row.feature) ? ",+" : ",-") + row.text;
    if (features.physical_bits() != profile.physical_bits())
        text += "," + std::string(kPhysicalBitsWord) + std::to_string(features.physical_bits());
    return text;
}

}  // namespace orrery
