// What the fabric over ibverbs is told. Free of the headers of libibverbs, which may be absent.
#pragma once

#include <memory>
#include <string>

#include "../fabric/options.h"

namespace aviary {

/// Which port of which device, and under which address.
struct PortChoice {
  /// Empty: the first device with a port that is up.
  std::string device;
  /// 0: the first that is up.
  uint32_t port = 0;
  /// RoCE: an IP address, or the index of a GID. Empty: the first IPv4 address, in RoCE v2 rather than v1.
  std::string gid;
};

struct VerbsOptions : FabricOptions {
  PortChoice port;
  /// How often an unanswered packet is sent again; `retryMicros` are divided among them. Never 7: soft-RoCE takes that
  /// for ever, and the failure of a peer would never be told.
  uint32_t retryCount = 6;

  VerbsOptions() { retryMicros = 450'000; }
};

/// Throws NativeError: ERR_NO_VERBS where libibverbs is absent, or its headers were when this was built; ERR_VERBS when
/// a verb fails; ERR_OPTIONS.
std::unique_ptr<Fabric> openVerbs(const VerbsOptions& options);

/// Round trips to itself and what was asked of a port, for `aviary doctor`.
struct PortReport {
  std::string device;
  std::string firmware;
  std::string link;
  std::string state;
  std::string gid;
  std::string gidKind;
  uint32_t port = 0;
  uint32_t gidIndex = 0;
  uint32_t lid = 0;
  uint32_t mtuBytes = 0;
  uint32_t mtuBytesMax = 0;
  uint32_t inlineBytesMax = 0;
  uint32_t readsAtOnce = 0;
  bool hasAtomics = false;
  bool placesInOrder = false;
  /// Microseconds from post to completion of 64 bytes (8 for the atomic): median and 99th percentile of `roundTrips`.
  uint32_t roundTrips = 0;
  double writeMicros[2] = {};
  double readMicros[2] = {};
  double atomicMicros[2] = {};
};

/// Names of all devices; throws like `openVerbs`.
std::vector<std::string> verbsDevices();
/// Opens a port, measures `roundTrips` of each kind to itself; throws like `openVerbs`.
PortReport probePort(const PortChoice& choice, uint32_t roundTrips);

}  // namespace aviary
