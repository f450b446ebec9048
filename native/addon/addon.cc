// The addon: one function, which opens a node.
#include <napi.h>

#include "node_handle.h"

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, aviary::NodeHandle::open, "open"));
  return exports;
}

NODE_API_MODULE(aviary, initialize)
