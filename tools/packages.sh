# The Debian packages that Orrery builds with and is tested with; read by ./run and ./test.
build_packages="g++ gcc cmake ninja-build pkg-config binutils cpio busybox-static
libcapstone-dev libsdl2-dev libimgui-dev libstb-dev libfreetype-dev libvterm-dev libcli11-dev libfmt-dev
nlohmann-json3-dev libdw-dev libelf-dev libzstd-dev libxxhash-dev catch2 fonts-dejavu-core"
image_packages="fakeroot e2fsprogs python3 xz-utils zstd"
# clang's sanitizers, of the version that the package clang stands for.
case $(. /etc/os-release && echo "${VERSION_ID:-}") in
    12) clang_version=14 ;;
    *) clang_version=19 ;;
esac
test_packages="clang clang-format clang-tidy libclang-rt-$clang_version-dev qemu-system-x86 seabios acpica-tools musl-tools python3 gdb bochs bochs-term bochsbios vgabios bsdextrautils"
package_packages="dpkg-dev file gzip"
