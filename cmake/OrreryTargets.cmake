# Compiler settings shared by every host-side target, the libraries we use, and the two functions that make targets.

find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SDL2 REQUIRED)
find_package(PkgConfig REQUIRED)
find_library(CAPSTONE_LIBRARY capstone REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_library(IMGUI_LIBRARY imgui REQUIRED)
find_library(STB_LIBRARY stb REQUIRED)
find_library(FREETYPE_LIBRARY freetype REQUIRED)

# Dear ImGui as Debian packages it; its SDL renderer backend comes as source among the package's examples.
set(IMGUI_BACKENDS /usr/share/doc/libimgui-dev/examples/backends CACHE PATH "Dear ImGui's renderer backends")
find_file(IMGUI_SDLRENDERER_SOURCE NAMES imgui_impl_sdlrenderer.cpp imgui_impl_sdlrenderer2.cpp
  PATHS ${IMGUI_BACKENDS} /usr/include/imgui/backends /usr/share/imgui/backends NO_DEFAULT_PATH)
find_path(IMGUI_INCLUDE_DIR imgui.h PATHS /usr/include/imgui REQUIRED)

function(orrery_settings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Werror -fno-strict-aliasing
    -march=x86-64-v2)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wno-unused-command-line-argument)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False positives of GCC 12 in libstdc++'s own std::string (GCC bugs 105329, 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                             -Wno-stringop-overread -Wno-maybe-uninitialized)
  endif()
  if(ORRERY_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=address,undefined -fno-sanitize-recover=all
                                            -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(ORRERY_FUZZ)
    target_compile_options(${target} PUBLIC -fsanitize=fuzzer-no-link)
  endif()
  if(ORRERY_COVERAGE)
    target_compile_options(${target} PUBLIC --coverage)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# What nearly every source includes, compiled once a target.
function(orrery_precompile target)
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <functional> <memory> <optional> <span> <string>
    <string_view> <vector> ${ARGN})
endfunction()

# orrery_library(name DIRS dir… LIBS lib…): a static library of every .cpp in these folders.
function(orrery_library name)
  cmake_parse_arguments(ARG "" "" "DIRS;LIBS" ${ARGN})
  set(sources "")
  foreach(dir ${ARG_DIRS})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/emulator/main.cpp)
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    orrery_settings(${name})
    orrery_precompile(${name})
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} ${scope} ${ARG_LIBS})
endfunction()

add_library(orrery-imgui STATIC ${IMGUI_SDLRENDERER_SOURCE})
target_include_directories(orrery-imgui SYSTEM PUBLIC ${IMGUI_INCLUDE_DIR} ${IMGUI_INCLUDE_DIR}/backends
  ${IMGUI_BACKENDS} ${SDL2_INCLUDE_DIRS})
target_link_libraries(orrery-imgui PUBLIC ${IMGUI_LIBRARY} ${STB_LIBRARY} ${FREETYPE_LIBRARY} SDL2::SDL2)
