// The monotonic clock, exact and coarse (a few ms behind, and cheaper).
#pragma once

#include <time.h>

#include <cstdint>

namespace aviary {

inline uint64_t nanosOf(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}
inline uint64_t monotonicNanos() { return nanosOf(CLOCK_MONOTONIC); }
inline uint64_t coarseNanos() { return nanosOf(CLOCK_MONOTONIC_COARSE); }

}  // namespace aviary
