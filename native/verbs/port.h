// One port of one device, chosen and queried.
#pragma once

#include "objects.h"
#include "options.h"

namespace aviary {

struct Port {
  Context context;
  std::string device;
  uint8_t number = 0;
  ibv_device_attr limits{};
  ibv_port_attr attributes{};
  bool isRoce = false;
  /// RoCE only.
  ibv_gid_entry gid{};

  /// What packets to a peer need to find it.
  ibv_ah_attr addressOf(uint16_t lid, const ibv_gid& gid) const;
};

/// Throws NativeError, which says which ports there are when none is as chosen.
Port openPort(const PortChoice& choice);

std::string gidText(const ibv_gid& gid);
const char* gidKindText(uint32_t kind);
uint32_t mtuBytes(ibv_mtu mtu);

}  // namespace aviary
