"""The symbol table that a Linux kernel carries in itself (CONFIG_KALLSYMS), read out of its image.

/proc/kallsyms is printed from tables in .rodata that no symbol and no header leads to; what they hold makes them
findable. Layout: scripts/kallsyms.c and kernel/kallsyms.c of Linux 6.1 with CONFIG_KALLSYMS_BASE_RELATIVE and
CONFIG_KALLSYMS_ABSOLUTE_PERCPU, as x86-64 SMP kernels have them. Each table begins at a multiple of 8:

  offsets, relative_base   u32 a symbol, u64: addresses (see address_of)
  num_syms                 u32
  names                    a symbol: a length of one byte (two, low 7 bits first, where bit 7 of the first is set), then
                           that many numbers of tokens; all tokens' texts in a row are the type's letter and the name
  markers                  u32 for every 256th symbol: where its entry begins in names
  seqs_of_names            not in all: 3 bytes a symbol, its place in the order of names
  token_table              256 texts, each with a NUL
  token_index              256 u16: where each text begins in token_table

Later kernels have offsets and relative_base behind token_index, which is looked at too.
"""
import re
import struct

KERNEL_BASE = 0xFFFFFFFF80000000  # __START_KERNEL_map: the kernel's text and data are above
MAX_NAMES = 32 << 20  # bytes; more than any kernel has


class KallsymsError(Exception):
    """The tables are not there, or not of this layout."""


def aligned(offset, to=8):
    return -(-offset // to) * to


def find_tokens(image):
    """Offset of token_table, its texts, and the offset behind token_index. A token that stands for itself is one
    character long; the digits always are, since names are full of them."""
    digits = b"".join(b"%d\0" % digit for digit in range(10))
    for found in re.finditer(re.escape(digits), image):
        end = found.start()
        for _ in range(ord("0"), 256):
            end = image.index(b"\0", end) + 1
        index_at = aligned(end)
        index = struct.unpack_from("<256H", image, index_at)
        start = found.start() - index[ord("0")]
        if start % 8 or index[0] != 0:
            continue
        texts = image[start:end - 1].split(b"\0")
        if len(texts) == 256 and all(index[i] + len(texts[i]) + 1 == index[i + 1] for i in range(255)):
            return start, texts, index_at + 512
    raise KallsymsError("no token table")


def ascending(image, at):
    """The markers that may begin at `at`: from 0 on, each 2 to 512 bytes a symbol behind the one before."""
    values = [struct.unpack_from("<I", image, at)[0]]
    while values[0] == 0:
        value = struct.unpack_from("<I", image, at + 4 * len(values))[0]
        if not 512 <= value - values[-1] <= 256 * 512:
            break
        values.append(value)
    return values


def entry(image, at):
    """A symbol's numbers of tokens, and the offset of the next symbol."""
    length = image[at]
    at += 1
    if length & 0x80:
        length = length & 0x7F | image[at] << 7
        at += 1
    return image[at:at + length], at + length


def entries_before(image, markers_at, markers):
    """The offset of num_syms and of each symbol's entry, if names that agree with these markers end there."""
    for at in range(markers_at - 8, max(0, markers_at - MAX_NAMES), -8):
        count = struct.unpack_from("<I", image, at)[0]
        last = (count - 1) // 256
        if not 0 <= last < len(markers) or not 0 < markers_at - at - 8 - markers[last] <= 256 * 514:
            continue
        entries, next_at = [], at + 8
        while len(entries) < count and next_at < markers_at:
            if len(entries) % 256 == 0 and next_at - at - 8 != markers[len(entries) // 256]:
                break
            entries.append(next_at)
            next_at = entry(image, next_at)[1]
        if len(entries) == count and aligned(next_at) == markers_at:
            return at, entries
    return None


def find_names(image, token_table):
    """The offset of num_syms and of each symbol's entry."""
    for markers_at in range(token_table - 8, max(0, token_table - MAX_NAMES), -8):
        markers = ascending(image, markers_at)
        if len(markers) < 16:
            continue
        found = entries_before(image, markers_at, markers)
        if not found:
            continue
        count = len(found[1])
        behind = aligned(markers_at + 4 * (-(-count // 256)))
        if token_table in (behind, behind + aligned(3 * count)):
            return found
    raise KallsymsError("no names before the token table")


def address_of(offset, base):
    """An offset below 2^31 is an absolute value (a per-CPU variable's place in its area); others count back from base."""
    signed = offset - (1 << 32) if offset >> 31 else offset
    return signed if signed >= 0 else base - 1 - signed


def find_addresses(image, num_syms_at, behind_index, count):
    """All symbols' addresses, for both places where they may lie."""
    size = aligned(4 * count)
    for offsets_at, base_at in ((num_syms_at - 8 - size, num_syms_at - 8), (behind_index, behind_index + size)):
        if offsets_at < 0 or base_at + 8 > len(image):
            continue
        base = struct.unpack_from("<Q", image, base_at)[0]
        if base < KERNEL_BASE or base % 4096:
            continue
        addresses = [address_of(offset, base) for offset in struct.unpack_from(f"<{count}I", image, offsets_at)]
        kernels = [address for address in addresses if address >= KERNEL_BASE]
        if len(kernels) > count // 2 and kernels == sorted(kernels):
            return addresses
    raise KallsymsError("no addresses beside the names")


def symbols(image):
    """(address, type's letter as in nm(1), name) of each symbol, as /proc/kallsyms has them without KASLR. Throws
    KallsymsError."""
    try:
        token_table, texts, behind_index = find_tokens(image)
        num_syms_at, entries = find_names(image, token_table)
        addresses = find_addresses(image, num_syms_at, behind_index, len(entries))
    except (struct.error, IndexError, ValueError) as error:
        raise KallsymsError("a damaged image") from error
    result = []
    for address, at in zip(addresses, entries):
        text = b"".join(texts[token] for token in entry(image, at)[0]).decode("ascii")
        result.append((address, text[0], text[1:]))
    return result
