#include "ui/png_file.h"

#include <stb/stb_image_write.h>

namespace orrery {

void write_png(std::ostream& out, int width, int height, const std::vector<u8>& rgb) {
    stbi_write_png_to_func(
        [](void* to, void* data, int size) {
            static_cast<std::ostream*>(to)->write(static_cast<char*>(data), size);
        },
        &out, width, height, 3, rgb.data(), width * 3);
}

}  // namespace orrery
