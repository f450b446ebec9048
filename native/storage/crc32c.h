// CRC-32C (Castagnoli), as in iSCSI, ext4 and NVMe: RFC 3720, appendix B.4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aviary {

/// Goes on from `crc`, which is 0 at the beginning.
uint32_t crc32c(uint32_t crc, const void* bytes, size_t length);

}  // namespace aviary
