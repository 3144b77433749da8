// Reads a recording (recording.h): whole, or as far as it goes.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "emulator/time-travel/record/recording.h"

namespace orrery {

// Every block is checked. Throws RecordingError: the file is missing, is no recording, has another version,
// or is damaged. One that ends early is none of these: cut_short is set.
Recording read_recording(const std::string& path);

// Hands an embedded image's pieces to `take`, in the order in which they were written. Throws RecordingError.
void read_image_pieces(const Recording& recording, size_t image,
                       const std::function<void(u64 offset, std::span<const u8> bytes)>& take);

}  // namespace orrery
