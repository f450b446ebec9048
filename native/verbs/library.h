// libibverbs, loaded when it is first asked for, so that a machine without it can load the addon. What is called per
// request (post, poll, arming) needs no symbol: it goes through the table of the opened device.
#pragma once

#include <infiniband/verbs.h>

#include <string>

#include "../native_error.h"

namespace aviary {

struct VerbsLibrary {
  ibv_device** (*getDeviceList)(int*);
  decltype(&::ibv_free_device_list) freeDeviceList;
  decltype(&::ibv_get_device_name) getDeviceName;
  decltype(&::ibv_open_device) openDevice;
  decltype(&::ibv_close_device) closeDevice;
  decltype(&::ibv_get_async_event) getAsyncEvent;
  decltype(&::ibv_ack_async_event) ackAsyncEvent;
  decltype(&::ibv_event_type_str) eventText;
  decltype(&::ibv_query_device) queryDevice;
  int (*queryPort)(ibv_context*, uint8_t, _compat_ibv_port_attr*);
  decltype(&::_ibv_query_gid_ex) queryGid;
  decltype(&::ibv_port_state_str) portStateText;
  decltype(&::ibv_alloc_pd) allocPd;
  decltype(&::ibv_dealloc_pd) deallocPd;
  ibv_mr* (*regMr)(ibv_pd*, void*, size_t, int);
  decltype(&::ibv_dereg_mr) deregMr;
  decltype(&::ibv_create_comp_channel) createChannel;
  decltype(&::ibv_destroy_comp_channel) destroyChannel;
  decltype(&::ibv_create_cq) createCq;
  decltype(&::ibv_destroy_cq) destroyCq;
  decltype(&::ibv_get_cq_event) getCqEvent;
  decltype(&::ibv_ack_cq_events) ackCqEvents;
  decltype(&::ibv_create_qp) createQp;
  decltype(&::ibv_modify_qp) modifyQp;
  decltype(&::ibv_query_qp) queryQp;
  decltype(&::ibv_destroy_qp) destroyQp;
  decltype(&::ibv_wc_status_str) statusText;
  /// Null where the library is older than the call (rdma-core 38).
  int (*queryDataInOrder)(ibv_qp*, ibv_wr_opcode, uint32_t);
};

/// Throws NativeError ERR_NO_VERBS, with the mend.
const VerbsLibrary& verbs();

/// What a verb has answered, as an error: ERR_VERBS with the verb, the object, errno and what to mend.
NativeError verbsError(const std::string& verb, const std::string& object, int errorNumber);

}  // namespace aviary
