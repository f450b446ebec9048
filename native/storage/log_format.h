// The bytes of the log's files, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crc32c.h"
#include "log_files.h"

namespace aviary {

inline constexpr uint32_t segmentMagic = 0x47535641;  // AVSG
inline constexpr uint32_t markMagic = 0x4b4d5641;     // AVMK
inline constexpr size_t segmentHeaderBytes = 64;
inline constexpr size_t markBytes = 4096;
inline constexpr char segmentNameFormat[] = "segment-%08u";

struct SegmentHeader {
  uint32_t magic;
  uint32_t crc;
  uint32_t number;
  uint32_t bytes;
  uint64_t firstRecord;
  uint64_t epoch;
  uint64_t reserved[4];
};
static_assert(sizeof(SegmentHeader) == segmentHeaderBytes);

struct Mark {
  uint32_t magic;
  uint32_t crc;
  uint64_t sequence;
  uint64_t durableRecords;
  uint64_t firstRecord;
  uint64_t epoch;
};

/// Of everything behind the magic and the checksum itself.
template <typename T>
uint32_t crcOf(const T& header) {
  return crc32c(0, reinterpret_cast<const std::byte*>(&header) + 8, sizeof header - 8);
}

inline uint32_t recordCrc(const RecordHeader& header, const std::byte* bytes) {
  const uint32_t crc = crc32c(0, reinterpret_cast<const std::byte*>(&header) + 4, sizeof header - 4);
  return crc32c(crc, bytes, header.length);
}

}  // namespace aviary
