#include "node_handle.h"

#include <sched.h>

#include <cmath>
#include <cstring>

#include "../shm/shm_fabric.h"
#include "../verbs/options.h"
#include "options.h"
#include "throw.h"
#include "verbs_report.h"

namespace aviary {

namespace {

/// An ArrayBuffer over mapped memory, without copying; it keeps the mapping alive.
Napi::ArrayBuffer expose(Napi::Env env, std::shared_ptr<Mapping> mapping, size_t bytes) {
  std::byte* const base = mapping->base();
  auto* keeper = new std::shared_ptr<Mapping>(std::move(mapping));
  return Napi::ArrayBuffer::New(
      env, base, bytes, [](Napi::Env, void*, std::shared_ptr<Mapping>* kept) { delete kept; }, keeper);
}

void detach(Napi::Reference<Napi::ArrayBuffer>& reference) {
  if (reference.IsEmpty()) return;
  Napi::ArrayBuffer buffer = reference.Value();
  if (!buffer.IsEmpty() && !buffer.IsDetached()) buffer.Detach();
  reference.Reset();
}

bool isCount(const Napi::Value& value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number >= 0 && number <= UINT32_MAX && number == static_cast<double>(static_cast<uint32_t>(number));
}

/// So long a thread may sleep: nobody else can end it from JavaScript while it does, except by its waker.
constexpr uint32_t waitMicrosMax = 60'000'000;

void readFabric(const OptionReader& reader, FabricOptions& options) {
  options.self = reader.number("self");
  options.nodes = reader.number("nodes");
  options.pairsPerPeer = reader.number("pairsPerPeer", options.pairsPerPeer);
  options.loopback = reader.flag("loopback", options.loopback);
  options.regionBytes = reader.numbers("regionBytes");
  options.sendQueueDepth = reader.number("sendQueueDepth", options.sendQueueDepth);
  options.receiveQueueDepth = reader.number("receiveQueueDepth", options.receiveQueueDepth);
  options.messageBytes = reader.number("messageBytes", options.messageBytes);
  options.inlineBytes = reader.number("inlineBytes", options.inlineBytes);
  options.initialRights = reader.number("initialRights", options.initialRights);
  options.isRestarted = reader.flag("isRestarted", options.isRestarted);
  options.receiverRetriesFinite = reader.flag("receiverRetriesFinite", options.receiverRetriesFinite);
  options.retryMicros = reader.number("retryMicros", options.retryMicros);
}

std::unique_ptr<Fabric> openShm(const OptionReader& reader) {
  ShmOptions options;
  options.cluster = reader.text("cluster");
  readFabric(reader, options);
  options.packetBytes = reader.number("packetBytes", options.packetBytes);
  options.graceMicros = reader.number("graceMicros", options.graceMicros);
  return std::make_unique<ShmFabric>(options);
}

std::unique_ptr<Fabric> openVerbsPort(const OptionReader& reader) {
  VerbsOptions options;
  readFabric(reader, options);
  options.port = readPort(reader);
  options.retryCount = reader.number("retryCount", options.retryCount);
  return openVerbs(options);
}

std::unique_ptr<Log> openLog(const OptionReader& reader, std::shared_ptr<Sleeper> sleeper) {
  LogOptions options;
  options.folder = reader.text("folder");
  options.segmentBytes = reader.number("segmentBytes", options.segmentBytes);
  options.bufferBytes = reader.number("bufferBytes", options.bufferBytes);
  std::unique_ptr<Disk> disk;
  if (reader.flag("ioUring", true)) disk = openUringDisk();
  if (disk == nullptr) disk = std::make_unique<PlainDisk>();
  return std::make_unique<Log>(options, std::move(disk), std::move(sleeper));
}

BatchOptions batchOptions(const OptionReader& reader) {
  BatchOptions options;
  options.requests = reader.number("requests", options.requests);
  options.completions = reader.number("completions", options.completions);
  options.outputBytes = reader.number("outputBytes", options.outputBytes);
  options.inputBytes = reader.number("inputBytes", options.inputBytes);
  if (reader.has("windowBytes")) options.windowBytes = reader.numbers("windowBytes");
  return options;
}

}  // namespace

Napi::Value NodeHandle::open(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto handle = std::make_shared<NodeHandle>();
    handle->build(info[0]);
    return handle->face(info.Env());
  });
}

NodeHandle::~NodeHandle() {
  release();
  if (hookedEnv_ != nullptr) napi_remove_env_cleanup_hook(hookedEnv_, releaseAtExit, this);
}

/// The thread that opened the node ends.
void NodeHandle::releaseAtExit(void* self) {
  auto* const handle = static_cast<NodeHandle*>(self);
  handle->hookedEnv_ = nullptr;
  handle->release();
}

void NodeHandle::build(Napi::Value value) {
  const OptionReader reader(value, "options");
  sleeper_ = std::make_shared<Sleeper>();
  if (reader.has("log")) log_ = openLog(reader.object("log"), sleeper_);
  if (reader.has("shm") && reader.has("verbs"))
    throw NativeError("ERR_OPTIONS", "options must name one fabric, shm or verbs, not both");
  if (reader.has("shm")) fabric_ = openShm(reader.object("shm"));
  if (reader.has("verbs")) fabric_ = openVerbsPort(reader.object("verbs"));
  if (log_ == nullptr && fabric_ == nullptr)
    throw NativeError("ERR_OPTIONS", "options must name a fabric (shm or verbs), a log, or both");
  const BatchOptions options = reader.has("batch") ? batchOptions(reader.object("batch")) : BatchOptions{};
  batch_ = std::make_unique<Batch>(options, fabric_.get(), log_.get(), sleeper_);
}

template <Napi::Value (NodeHandle::*method)(const Napi::CallbackInfo&)>
void NodeHandle::define(Napi::Object& object, const char* name) {
  object.Set(name, Napi::Function::New(
                       object.Env(),
                       [self = shared_from_this()](const Napi::CallbackInfo& info) -> Napi::Value {
                         if (self->batch_ == nullptr) {
                           throwTyped(info.Env(), "ERR_CLOSED", "the node has been closed");
                           return info.Env().Undefined();
                         }
                         return guarded(info.Env(), [&] { return ((*self).*method)(info); });
                       },
                       name));
}

Napi::Object NodeHandle::face(Napi::Env env) {
  Napi::Object object = Napi::Object::New(env);
  const BatchLayout& layout = batch_->layout();
  Napi::ArrayBuffer batchMemory = expose(env, batch_->share(), layout.bytes);
  batchMemory_ = Napi::Persistent(batchMemory);
  object.Set("batch", batchMemory);
  object.Set("requestsAt", layout.requests);
  object.Set("completionsAt", layout.completions);
  object.Set("outputAt", layout.output);
  object.Set("inputAt", layout.input);
  Napi::Array windows = Napi::Array::New(env, layout.windows.size());
  for (uint32_t i = 0; i < layout.windows.size(); i++) windows.Set(i, layout.windows[i]);
  object.Set("windowsAt", windows);
  if (fabric_ != nullptr) {
    Napi::ArrayBuffer memory = expose(env, fabric_->memory(), fabric_->memory()->bytes());
    memory_ = Napi::Persistent(memory);
    object.Set("memory", memory);
    const auto regions = fabric_->regions();
    Napi::Array offsets = Napi::Array::New(env, regions.size());
    for (uint32_t i = 0; i < regions.size(); i++) offsets.Set(i, regions[i].offset);
    object.Set("regionsAt", offsets);
    object.Set("placesInOrder", fabric_->placesInOrder());
  }
  if (log_ != nullptr) {
    std::vector<std::byte>& found = log_->recovered();
    Napi::ArrayBuffer recovered = Napi::ArrayBuffer::New(env, found.size());
    if (!found.empty()) std::memcpy(recovered.Data(), found.data(), found.size());
    std::vector<std::byte>().swap(found);
    object.Set("recovered", recovered);
  }
  define<&NodeHandle::turn>(object, "turn");
  define<&NodeHandle::close>(object, "close");
  define<&NodeHandle::peerState>(object, "peerState");
  define<&NodeHandle::endState>(object, "endState");
  define<&NodeHandle::impair>(object, "impair");
  define<&NodeHandle::addressFor>(object, "addressFor");
  define<&NodeHandle::addressRevision>(object, "addressRevision");
  define<&NodeHandle::meet>(object, "meet");
  define<&NodeHandle::relocations>(object, "relocations");
  define<&NodeHandle::wait>(object, "wait");
  define<&NodeHandle::yield>(object, "yield");
  define<&NodeHandle::waker>(object, "waker");
  define<&NodeHandle::wakes>(object, "wakes");
  if (napi_add_env_cleanup_hook(env, releaseAtExit, this) == napi_ok) hookedEnv_ = env;
  return object;
}

/// Closes everything native; the memory itself goes when its ArrayBuffers go.
void NodeHandle::release() {
  batch_.reset();
  fabric_.reset();
  log_.reset();
  if (waker_ != 0) strike(std::exchange(waker_, 0));
  sleeper_.reset();
}

Napi::Value NodeHandle::turn(const Napi::CallbackInfo& info) {
  batch_->turn();
  return info.Env().Undefined();
}

Napi::Value NodeHandle::close(const Napi::CallbackInfo& info) {
  detach(memory_);
  detach(batchMemory_);
  release();
  return info.Env().Undefined();
}

Napi::Value NodeHandle::peerState(const Napi::CallbackInfo& info) {
  if (fabric_ == nullptr || !isCount(info[0])) throw NativeError("ERR_ARGUMENT", "peerState takes a node of a fabric");
  return Napi::Number::New(info.Env(),
                           static_cast<uint32_t>(fabric_->peerState(info[0].As<Napi::Number>().Uint32Value())));
}

Napi::Value NodeHandle::endState(const Napi::CallbackInfo& info) {
  if (fabric_ == nullptr || !isCount(info[0]))
    throw NativeError("ERR_ARGUMENT", "endState takes a queue pair of a fabric");
  return Napi::Number::New(info.Env(),
                           static_cast<uint32_t>(fabric_->endState(info[0].As<Napi::Number>().Uint32Value())));
}

Napi::Value NodeHandle::impair(const Napi::CallbackInfo& info) {
  const bool isGood = fabric_ != nullptr && isCount(info[0]) && info[1].IsBoolean() && info[2].IsBoolean();
  if (!isGood || fabric_->impair(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::Boolean>().Value(),
                                 info[2].As<Napi::Boolean>().Value()) != Misuse::none)
    throw NativeError("ERR_ARGUMENT", "impair takes a queue pair of a fabric, and two times true or false");
  return info.Env().Undefined();
}

Napi::Value NodeHandle::addressFor(const Napi::CallbackInfo& info) {
  if (fabric_ == nullptr || !isCount(info[0])) throw NativeError("ERR_ARGUMENT", "addressFor takes a node of a fabric");
  const std::vector<std::byte> address = fabric_->addressFor(info[0].As<Napi::Number>().Uint32Value());
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), address.size());
  if (!address.empty()) std::memcpy(bytes.Data(), address.data(), address.size());
  return bytes;
}

Napi::Value NodeHandle::addressRevision(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fabric_ == nullptr ? 0 : fabric_->addressRevision());
}

Napi::Value NodeHandle::meet(const Napi::CallbackInfo& info) {
  const bool isBytes =
      info[1].IsTypedArray() && info[1].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  if (fabric_ == nullptr || !isCount(info[0]) || !isBytes)
    throw NativeError("ERR_ARGUMENT", "meet takes a node of a fabric, and the bytes of its address");
  const Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  const std::span<const std::byte> address(reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ByteLength());
  return Napi::Boolean::New(info.Env(), fabric_->meet(info[0].As<Napi::Number>().Uint32Value(), address));
}

Napi::Value NodeHandle::relocations(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fabric_ == nullptr ? 0 : fabric_->relocations());
}

Napi::Value NodeHandle::wait(const Napi::CallbackInfo& info) {
  const uint32_t micros = isCount(info[0]) ? info[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
  if (micros > waitMicrosMax) throw NativeError("ERR_ARGUMENT", "wait takes a whole number of µs from 0 to 60000000");
  return Napi::Boolean::New(info.Env(), batch_->wait(uint64_t{micros} * 1000));
}

Napi::Value NodeHandle::yield(const Napi::CallbackInfo& info) {
  ::sched_yield();
  return info.Env().Undefined();
}

Napi::Value NodeHandle::waker(const Napi::CallbackInfo& info) {
  if (waker_ == 0) waker_ = enroll(sleeper_);
  return Napi::Number::New(info.Env(), static_cast<double>(waker_));
}

Napi::Value NodeHandle::wake(const Napi::CallbackInfo& info) {
  const double number = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  // As far as a double counts.
  const bool isWaker = number >= 1 && number <= 9007199254740991.0 && number == std::trunc(number);
  if (isWaker)
    wakeEnrolled(static_cast<uint64_t>(number));
  else
    throwTyped(info.Env(), "ERR_ARGUMENT", "wake takes what waker of a node has returned");
  return info.Env().Undefined();
}

Napi::Value NodeHandle::wakes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fabric_ == nullptr ? 0 : fabric_->wakes());
}

}  // namespace aviary
