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

# Dear ImGui as Debian packages it. Since 1.90 (Debian 13) its SDL renderer backend is in the library; before, it comes
# as source among the package's examples.
find_path(IMGUI_INCLUDE_DIR imgui.h PATHS /usr/include/imgui REQUIRED)
if(NOT EXISTS ${IMGUI_INCLUDE_DIR}/backends/imgui_impl_sdlrenderer2.h)
  find_file(IMGUI_SDLRENDERER_SOURCE NAMES imgui_impl_sdlrenderer.cpp
    PATHS /usr/share/doc/libimgui-dev/examples/backends /usr/share/imgui/backends NO_DEFAULT_PATH REQUIRED)
endif()

function(orrery_settings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow $<$<BOOL:${ORRERY_WERROR}>:-Werror> -fno-strict-aliasing
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

# orrery_headers(target scope path…): lets the target include files of these folders, or these files, by their paths
# from the project's root. Each target has a tree of links of its own to look in, so that an include of what it may not
# use does not compile.
function(orrery_headers target scope)
  set(tree ${CMAKE_BINARY_DIR}/include/${target})
  foreach(path ${ARGN})
    if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${path})
      message(FATAL_ERROR "${target}: there is no ${path}")
    endif()
    cmake_path(GET path PARENT_PATH parent)
    file(MAKE_DIRECTORY ${tree}/${parent})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${path} ${tree}/${path} SYMBOLIC)
  endforeach()
  target_include_directories(${target} ${scope} ${tree})
endfunction()

# orrery_unity(target size): where ORRERY_UNITY is on, compiles the target's sources `size` at a time as one, which spares
# most of the time that goes into headers. The sources' anonymous namespaces are then one: names must differ.
function(orrery_unity target size)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${ORRERY_UNITY} UNITY_BUILD_BATCH_SIZE ${size})
endfunction()

# orrery_library(name ROOT folder LIBS lib… PRECOMPILE header…): a static library of every .cpp in the folder and below
# it; the headers named last are those that are slow to compile and that most of its sources include.
function(orrery_library name)
  cmake_parse_arguments(ARG "" "ROOT" "LIBS;PRECOMPILE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${ARG_ROOT}/*.cpp)
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/cli/main.cpp)
  add_library(${name} STATIC ${sources})
  orrery_settings(${name})
  orrery_precompile(${name} ${ARG_PRECOMPILE})
  orrery_headers(${name} PUBLIC ${ARG_ROOT})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

add_library(orrery-imgui INTERFACE)
target_include_directories(orrery-imgui SYSTEM INTERFACE ${IMGUI_INCLUDE_DIR} ${IMGUI_INCLUDE_DIR}/backends
  ${SDL2_INCLUDE_DIRS})
target_link_libraries(orrery-imgui INTERFACE ${IMGUI_LIBRARY} ${STB_LIBRARY} ${FREETYPE_LIBRARY} SDL2::SDL2)
if(IMGUI_SDLRENDERER_SOURCE)
  add_library(orrery-imgui-renderer STATIC ${IMGUI_SDLRENDERER_SOURCE})
  target_link_libraries(orrery-imgui-renderer PUBLIC orrery-imgui)
endif()
