// What JavaScript holds of a node: a fabric, a log, or both, and the batch through which it speaks to them.
//
// Its functions do not depend on `this`, so that they cannot be called on something else. Memory that JavaScript sees
// is kept mapped until the ArrayBuffer is gone, whatever has been closed before. A handle that is forgotten closes when
// it is collected; when its thread ends, all are closed.
#pragma once

#include <napi.h>

#include <memory>

#include "../batch/batch.h"
#include "../fabric/fabric.h"
#include "../storage/log.h"

namespace aviary {

class NodeHandle : public std::enable_shared_from_this<NodeHandle> {
 public:
  static Napi::Value open(const Napi::CallbackInfo& info);
  /// Wakes the thread of a node, which may be another one than the caller's, by the number of its waker.
  static Napi::Value wake(const Napi::CallbackInfo& info);

  NodeHandle() = default;
  NodeHandle(const NodeHandle&) = delete;
  ~NodeHandle();

 private:
  void build(Napi::Value options);
  Napi::Object face(Napi::Env env);
  Napi::Value turn(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value peerState(const Napi::CallbackInfo& info);
  Napi::Value endState(const Napi::CallbackInfo& info);
  Napi::Value impair(const Napi::CallbackInfo& info);
  Napi::Value addressFor(const Napi::CallbackInfo& info);
  Napi::Value addressRevision(const Napi::CallbackInfo& info);
  Napi::Value meet(const Napi::CallbackInfo& info);
  Napi::Value relocations(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value yield(const Napi::CallbackInfo& info);
  Napi::Value waker(const Napi::CallbackInfo& info);
  Napi::Value wakes(const Napi::CallbackInfo& info);
  template <Napi::Value (NodeHandle::*method)(const Napi::CallbackInfo&)>
  void define(Napi::Object& object, const char* name);
  void release();
  static void releaseAtExit(void* self);

  std::shared_ptr<Sleeper> sleeper_;
  /// Its number; 0 before somebody has asked for it.
  uint64_t waker_ = 0;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<Batch> batch_;
  Napi::Reference<Napi::ArrayBuffer> memory_;
  Napi::Reference<Napi::ArrayBuffer> batchMemory_;
  napi_env hookedEnv_ = nullptr;
};

}  // namespace aviary
