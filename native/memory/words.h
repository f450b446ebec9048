// Copies between private and shared memory, word by word: an aligned 8-byte word is never torn, and words become
// visible in ascending order (x86 keeps stores in order; elsewhere each store is a release).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace aviary {

#if defined(__x86_64__)
inline constexpr auto storeOrder = std::memory_order_relaxed;
inline constexpr auto loadOrder = std::memory_order_relaxed;
#else
inline constexpr auto storeOrder = std::memory_order_release;
inline constexpr auto loadOrder = std::memory_order_acquire;
#endif

inline uint64_t loadWord(const std::byte* at) {
  // atomic_ref of a const object comes with C++26 only.
  auto* word = reinterpret_cast<uint64_t*>(const_cast<std::byte*>(at));
  return std::atomic_ref<uint64_t>(*word).load(loadOrder);
}
inline void storeWord(std::byte* at, uint64_t value) {
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(at)).store(value, storeOrder);
}

/// Shared to private; `bytes` is a multiple of 8, `from` is aligned.
inline void copyWordsIn(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = loadWord(from + i);
    std::memcpy(to + i, &word, 8);
  }
}
/// As `copyWordsIn`; returns whether a word is another than was there.
inline bool renewWords(std::byte* to, const std::byte* from, size_t bytes) {
  uint64_t differences = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = loadWord(from + i);
    uint64_t before;
    std::memcpy(&before, to + i, 8);
    differences |= word ^ before;
    std::memcpy(to + i, &word, 8);
  }
  return differences != 0;
}
/// Private to shared.
inline void copyWordsOut(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, from + i, 8);
    storeWord(to + i, word);
  }
}
/// Shared to shared.
inline void copyWordsAcross(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 8) storeWord(to + i, loadWord(from + i));
}

}  // namespace aviary
