// What JavaScript can ask about RDMA devices without opening a node.
#pragma once

#include <napi.h>

#include "../verbs/options.h"
#include "options.h"

namespace aviary {

/// Device, port and GID, all optional.
PortChoice readPort(const OptionReader& reader);

/// Names of all devices. Throws into JavaScript where verbs are absent.
Napi::Value listVerbsDevices(const Napi::CallbackInfo& info);
/// Opens a port, and measures so many round trips of each kind to itself.
Napi::Value probeVerbsPort(const Napi::CallbackInfo& info);

}  // namespace aviary
