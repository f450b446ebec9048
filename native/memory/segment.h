// A node's registered memory: regions one behind the other in one mapping, whose address stays when it moves.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "../fabric/fabric.h"
#include "mapping.h"

namespace aviary {

class Segment {
 public:
  /// Regions of so many bytes, multiples of 8, at multiples of a cache line.
  explicit Segment(std::span<const uint32_t> regionBytes);

  std::byte* base() const { return mapping_->base(); }
  size_t bytes() const { return bytes_; }
  int fd() const { return fd_.get(); }
  std::span<const Region> regions() const { return regions_; }
  /// Whether so many bytes of a region are there, in whole words.
  bool holds(const Place& place, uint32_t length) const;
  /// Copies everything into fresh memory and reads from there on. Throws NativeError, and is then as before.
  void relocate();
  std::shared_ptr<Mapping> mapping() const { return mapping_; }

 private:
  std::vector<Region> regions_;
  size_t bytes_ = 0;
  UniqueFd fd_;
  std::shared_ptr<Mapping> mapping_;
};

}  // namespace aviary
