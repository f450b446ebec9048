// What a node tells a peer so that queue pairs between them can be connected: bytes that the runner carries over its
// authenticated control connection, and that are checked all the same.
//
// A process draws `boot` when it begins, and makes queue pairs with fresh numbers, so nothing in it is of a former life. The
// first packet sequence number of a connection is made of both processes' `boot`, the pair, the direction and the number of
// the connection: both sides come to the same without asking, and packets of another connection, or of another life, are
// far from what is expected.
#pragma once

#include <cstring>
#include <optional>
#include <vector>

#include "objects.h"
#include "options.h"

namespace aviary {

/// Queue pairs behind each end; a connection uses the one that its number says, the others are in RESET and hear nothing.
/// Soft-RoCE takes the acknowledgement of a packet that is not expected for that of its own, if it is far enough ahead; so
/// packets of different connections had better not meet at all.
inline constexpr uint32_t lanes = 8;

/// Consecutive numbers, and numbers that differ in high bits alone, use different lanes (Fibonacci hashing).
inline uint32_t laneOf(uint32_t connection) { return connection * 0x9e3779b1u >> 29; }

struct AddressHeader {
  uint32_t magic;
  uint32_t revision;
  uint64_t boot;
  uint32_t node;
  uint32_t nodes;
  uint32_t pairs;
  uint32_t receiveDepth;
  uint32_t messageBytes;
  uint32_t mtu;
  uint32_t lid;
  uint32_t regionCount;
  uint8_t gid[16];
  /// The queue pair by which this node and the peer wake each other; see `bells.h`.
  uint64_t bellCells;
  uint32_t bellPair;
  uint32_t bellKey;
  uint32_t bellEpoch;
  uint32_t reserved;
};

struct RegionAddress {
  uint64_t base;
  uint32_t bytes;
  uint32_t remoteKey;
  /// Which registration of the region this is: requests name it by this number.
  uint32_t registration;
  uint32_t reserved;
};

struct PeerAddress {
  static constexpr uint32_t magic = 0x31765641;

  AddressHeader header{};
  RegionAddress regions[regionsMax] = {};
  /// Numbers of the peer's queue pairs: `lanes` of the first pair, of the second, and so on.
  std::vector<uint32_t> queuePairs;

  std::vector<std::byte> encode() const {
    const size_t regionBytes = header.regionCount * sizeof(RegionAddress);
    std::vector<std::byte> bytes(sizeof header + regionBytes + queuePairs.size() * 4);
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, regions, regionBytes);
    std::memcpy(bytes.data() + sizeof header + regionBytes, queuePairs.data(), queuePairs.size() * 4);
    return bytes;
  }
  /// Nothing when these are not the bytes of an address.
  static std::optional<PeerAddress> decode(std::span<const std::byte> bytes) {
    PeerAddress address;
    if (bytes.size() < sizeof address.header) return std::nullopt;
    std::memcpy(&address.header, bytes.data(), sizeof address.header);
    const AddressHeader& header = address.header;
    if (header.magic != magic || header.regionCount > regionsMax || header.pairs > 16) return std::nullopt;
    const size_t regionBytes = header.regionCount * sizeof(RegionAddress);
    if (bytes.size() != sizeof header + regionBytes + size_t{header.pairs} * lanes * 4) return std::nullopt;
    std::memcpy(address.regions, bytes.data() + sizeof header, regionBytes);
    address.queuePairs.resize(size_t{header.pairs} * lanes);
    std::memcpy(address.queuePairs.data(), bytes.data() + sizeof header + regionBytes, size_t{header.pairs} * lanes * 4);
    return address;
  }
};

/// The first packet sequence number, of 24 bits, in one direction of a connection.
inline uint32_t firstSequence(uint64_t from, uint64_t to, uint32_t fromNode, uint32_t pair, uint32_t connection) {
  // Splitmix64, over everything that tells connections apart.
  uint64_t mixed = from * 3 + to * 5 + (uint64_t{fromNode} << 48) + (uint64_t{pair} << 40) + connection;
  for (int round = 0; round < 2; round++) {
    mixed += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
  }
  return static_cast<uint32_t>(mixed) & 0xffffff;
}

}  // namespace aviary
