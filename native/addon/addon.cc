// The addon: a function that opens a node, and one that wakes the thread of a node.
#include <napi.h>

#include "node_handle.h"

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, aviary::NodeHandle::open, "open"));
  exports.Set("wake", Napi::Function::New(env, aviary::NodeHandle::wake, "wake"));
  return exports;
}

NODE_API_MODULE(aviary, initialize)
