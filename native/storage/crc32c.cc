#include "crc32c.h"

#include <array>
#include <cstring>

namespace aviary {

namespace {

constexpr std::array<uint32_t, 256> makeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> table = makeTable();

uint32_t byTable(uint32_t crc, const unsigned char* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t byInstruction(uint32_t crc, const unsigned char* bytes, size_t length) {
  uint64_t wide = crc;
  for (; length >= 8; length -= 8, bytes += 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  return byTable(static_cast<uint32_t>(wide), bytes, length);
}
#endif

}  // namespace

uint32_t crc32c(uint32_t crc, const void* bytes, size_t length) {
  const auto* from = static_cast<const unsigned char*>(bytes);
#if defined(__x86_64__)
  static const bool hasInstruction = __builtin_cpu_supports("sse4.2") != 0;
  if (hasInstruction) return ~byInstruction(~crc, from, length);
#endif
  return ~byTable(~crc, from, length);
}

}  // namespace aviary
