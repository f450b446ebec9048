#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "port.h"

namespace aviary {

namespace {

struct DeviceList {
  int count = 0;
  ibv_device** devices;
  DeviceList() : devices(verbs().getDeviceList(&count)) {
    if (devices == nullptr) {
      if (errno == ENOSYS)
        throw NativeError("ERR_VERBS",
                          "the kernel has no RDMA: load the module of the device; a virtual one is made by `modprobe rdma_rxe` and "
                          "`rdma link add rxe0 type rxe netdev INTERFACE`");
      throw verbsError("ibv_get_device_list", "this machine", errno);
    }
  }
  ~DeviceList() { verbs().freeDeviceList(devices); }
};

bool isMappedIpv4(const ibv_gid& gid) {
  static constexpr uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(gid.raw, prefix, sizeof prefix) == 0;
}

bool isZero(const ibv_gid& gid) {
  return std::all_of(std::begin(gid.raw), std::end(gid.raw), [](uint8_t byte) { return byte == 0; });
}

bool isLinkLocal(const ibv_gid& gid) { return gid.raw[0] == 0xfe && (gid.raw[1] & 0xc0) == 0x80; }

/// RoCE v2 rather than v1, IPv4 rather than IPv6, and a link-local address last.
int rank(const ibv_gid_entry& entry) {
  return (entry.gid_type == IBV_GID_TYPE_ROCE_V2 ? 4 : 0) +
         (isMappedIpv4(entry.gid) ? 2 : isLinkLocal(entry.gid) ? 0 : 1);
}

/// The text as an address; false when it is none.
bool parseAddress(const std::string& text, ibv_gid& gid) {
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) {
    std::memset(gid.raw, 0, sizeof gid.raw);
    gid.raw[10] = gid.raw[11] = 0xff;
    std::memcpy(gid.raw + 12, &four, 4);
    return true;
  }
  return ::inet_pton(AF_INET6, text.c_str(), gid.raw) == 1;
}

int queryPort(ibv_context* context, uint8_t number, ibv_port_attr& attributes) {
  attributes = {};
  verbs_context* const table = verbs_get_ctx_op(context, query_port);
  if (table != nullptr) return table->query_port(context, number, &attributes, sizeof attributes);
  return verbs().queryPort(context, number, reinterpret_cast<_compat_ibv_port_attr*>(&attributes));
}

void chooseGid(Port& port, const std::string& wanted) {
  const bool isIndex =
      !wanted.empty() && std::all_of(wanted.begin(), wanted.end(), [](char c) { return c >= '0' && c <= '9'; });
  ibv_gid address{};
  if (!wanted.empty() && !isIndex && !parseAddress(wanted, address))
    throw NativeError("ERR_OPTIONS", "gid must be an IP address, or the index of a GID");
  std::string seen;
  int best = -1;
  for (int index = 0; index < port.attributes.gid_tbl_len; index++) {
    ibv_gid_entry entry{};
    if (verbs().queryGid(port.context->get(), port.number, static_cast<uint32_t>(index), &entry, 0, sizeof entry) != 0 ||
        isZero(entry.gid))
      continue;
    if (index < 16) seen += (seen.empty() ? "" : ", ") + std::to_string(index) + ": " + gidText(entry.gid);
    const bool fits = isIndex           ? wanted == std::to_string(index)
                      : wanted.empty()  ? true
                                        : std::memcmp(address.raw, entry.gid.raw, sizeof address.raw) == 0;
    if (!fits || rank(entry) <= best) continue;
    best = rank(entry);
    port.gid = entry;
  }
  if (best < 0)
    throw NativeError("ERR_VERBS", "device " + port.device + " has no GID " + (wanted.empty() ? "at all" : wanted) +
                                       " (it has " + (seen.empty() ? "none" : seen) +
                                       "): give its network interface that address (ip addr add)");
}

/// The first port that is up, or the one that is asked for; false when there is none.
bool choosePort(Port& port, uint32_t wanted, std::string& seen) {
  for (uint32_t number = 1; number <= port.limits.phys_port_cnt; number++) {
    if (wanted != 0 && wanted != number) continue;
    ibv_port_attr attributes;
    const int failed = queryPort(port.context->get(), static_cast<uint8_t>(number), attributes);
    if (failed != 0) throw verbsError("ibv_query_port", port.device + " port " + std::to_string(number), failed);
    seen += (seen.empty() ? "" : ", ") + port.device + " port " + std::to_string(number) + " is " +
            verbs().portStateText(attributes.state);
    if (attributes.state != IBV_PORT_ACTIVE) continue;
    port.number = static_cast<uint8_t>(number);
    port.attributes = attributes;
    port.isRoce = attributes.link_layer == IBV_LINK_LAYER_ETHERNET;
    return true;
  }
  return false;
}

}  // namespace

std::string gidText(const ibv_gid& gid) {
  char text[INET6_ADDRSTRLEN] = "";
  if (isMappedIpv4(gid))
    ::inet_ntop(AF_INET, gid.raw + 12, text, sizeof text);
  else
    ::inet_ntop(AF_INET6, gid.raw, text, sizeof text);
  return text;
}

const char* gidKindText(uint32_t kind) {
  return kind == IBV_GID_TYPE_ROCE_V2 ? "RoCE v2" : kind == IBV_GID_TYPE_ROCE_V1 ? "RoCE v1" : "InfiniBand";
}

uint32_t mtuBytes(ibv_mtu mtu) { return 128u << static_cast<uint32_t>(mtu); }

std::vector<std::string> verbsDevices() {
  const DeviceList list;
  std::vector<std::string> names;
  for (int i = 0; i < list.count; i++) names.emplace_back(verbs().getDeviceName(list.devices[i]));
  return names;
}

Port openPort(const PortChoice& choice) {
  const DeviceList list;
  std::string seen;
  std::string names;
  for (int i = 0; i < list.count; i++) {
    const std::string name = verbs().getDeviceName(list.devices[i]);
    names += (names.empty() ? "" : ", ") + name;
    if (!choice.device.empty() && choice.device != name) continue;
    Port port;
    port.device = name;
    port.context = std::make_shared<const Owned<ibv_context>>(verbs().openDevice(list.devices[i]), verbs().closeDevice,
                                                              nullptr, "ibv_open_device", name);
    const int failed = verbs().queryDevice(port.context->get(), &port.limits);
    if (failed != 0) throw verbsError("ibv_query_device", name, failed);
    if (!choosePort(port, choice.port, seen)) continue;
    if (port.isRoce) chooseGid(port, choice.gid);
    return port;
  }
  if (list.count == 0)
    throw NativeError("ERR_VERBS",
                      "there is no RDMA device: see `rdma link`; a virtual one is made by `modprobe rdma_rxe` and `rdma "
                      "link add rxe0 type rxe netdev INTERFACE`");
  if (seen.empty())
    throw NativeError("ERR_VERBS", choice.device.empty()
                                       ? "no device has port " + std::to_string(choice.port) + " (there is " + names + ")"
                                       : "there is no device " + choice.device + " with such a port (there is " + names +
                                             ")");
  throw NativeError("ERR_VERBS", "no port is up (" + seen + "): bring its link up (ip link set INTERFACE up)");
}

ibv_ah_attr Port::addressOf(uint16_t lid, const ibv_gid& target) const {
  ibv_ah_attr address{};
  address.port_num = number;
  address.dlid = lid;
  address.is_global = isRoce ? 1 : 0;
  if (isRoce) {
    address.grh.dgid = target;
    address.grh.sgid_index = static_cast<uint8_t>(gid.gid_index);
    address.grh.hop_limit = 64;
  }
  return address;
}

}  // namespace aviary

#endif
