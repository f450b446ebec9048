// The addon: functions that open a node, wake the thread of a node, and ask about RDMA devices.
#include <napi.h>

#include "node_handle.h"
#include "verbs_report.h"

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, aviary::NodeHandle::open, "open"));
  exports.Set("wake", Napi::Function::New(env, aviary::NodeHandle::wake, "wake"));
  exports.Set("verbsDevices", Napi::Function::New(env, aviary::listVerbsDevices, "verbsDevices"));
  exports.Set("probePort", Napi::Function::New(env, aviary::probeVerbsPort, "probePort"));
  return exports;
}

NODE_API_MODULE(aviary, initialize)
