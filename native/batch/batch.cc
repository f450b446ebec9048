#include "batch.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "../memory/words.h"

namespace aviary {

namespace {

uint64_t wide(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

uint32_t roundUpToLine(uint32_t bytes) { return (bytes + 63) / 64 * 64; }

const BatchOptions& checked(const BatchOptions& options) {
  const auto require = [](bool condition, const char* sentence) {
    if (!condition) throw NativeError("ERR_OPTIONS", sentence);
  };
  require(options.requests >= 1 && options.requests <= 1u << 16, "requests must be 1 to 65536");
  require(options.completions >= 1 && options.completions <= 1u << 16, "completions must be 1 to 65536");
  require(options.outputBytes <= 1u << 28 && options.inputBytes <= 1u << 28, "an arena must have 256 MiB at most");
  require(options.windowBytes.size() <= 1024, "there may be 1024 windows at most");
  for (const uint32_t bytes : options.windowBytes)
    require(bytes % 8 == 0 && bytes <= 1u << 24, "windows must have multiples of 8 bytes, 16 MiB at most");
  return options;
}

}  // namespace

Batch::Batch(const BatchOptions& options, Fabric* fabric, Log* log, std::shared_ptr<Sleeper> sleeper)
    : options_(checked(options)),
      fabric_(fabric),
      fabricMemory_(fabric == nullptr ? nullptr : fabric->memory()->base()),
      log_(log),
      sleeper_(std::move(sleeper)),
      windows_(options.windowBytes.size()) {
  size_t at = sizeof(BatchHeader);
  const auto place = [&at](uint32_t& offset, size_t bytes) {
    offset = static_cast<uint32_t>(at);
    at += (bytes + 63) / 64 * 64;
    if (at > UINT32_MAX) throw NativeError("ERR_OPTIONS", "a batch must have less than 4 GiB");
  };
  place(layout_.requests, options.requests * sizeof(Descriptor));
  place(layout_.completions, options.completions * sizeof(Completion));
  place(layout_.output, roundUpToLine(options.outputBytes));
  place(layout_.input, roundUpToLine(options.inputBytes));
  layout_.windows.resize(options.windowBytes.size());
  for (size_t i = 0; i < options.windowBytes.size(); i++) place(layout_.windows[i], options.windowBytes[i]);
  layout_.bytes = static_cast<uint32_t>(roundUpToPages(at));
  memory_ = std::make_shared<Mapping>(Mapping::anonymous(layout_.bytes));
}

void Batch::turn() {
  std::byte* const base = memory_->base();
  auto& header = *reinterpret_cast<BatchHeader*>(base);
  const uint32_t count = header.requests;
  header = {};
  CompletionSink sink{
      {reinterpret_cast<Completion*>(base + layout_.completions), options_.completions},
      {base + layout_.input, options_.inputBytes},
  };
  // What JavaScript has stored into registered memory comes before what it asks for now.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (count > options_.requests) {
    header.misuse = static_cast<uint32_t>(Misuse::length);
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    Descriptor descriptor;
    std::memcpy(&descriptor, base + layout_.requests + i * sizeof descriptor, sizeof descriptor);
    const Misuse misuse = take(descriptor, sink);
    if (misuse == Misuse::none) continue;
    header.misuse = static_cast<uint32_t>(misuse);
    header.misuseIndex = i;
    header.completions = sink.count;
    return;
  }
  if (fabric_ != nullptr) fabric_->poll(sink);
  if (log_ != nullptr) log_->poll(sink);
  bool hasChanged = false;
  for (size_t i = 0; i < windows_.size(); i++)
    if (windows_[i].isWatched)
      hasChanged |=
          renewWords(base + layout_.windows[i], own(windows_[i].place, options_.windowBytes[i]), options_.windowBytes[i]);
  // What JavaScript loads from registered memory now is not older than what it has been told.
  std::atomic_thread_fence(std::memory_order_acquire);
  header.completions = sink.count;
  header.windowsChanged = hasChanged ? 1 : 0;
}

bool Batch::wait(uint64_t nanos) {
  // Requests that have not been handed over are the caller's to hand over.
  if (reinterpret_cast<const BatchHeader*>(memory_->base())->requests != 0) return true;
  if (fabric_ != nullptr) fabric_->announceSleep();
  sleeper_->announce();
  const uint64_t rest = fabric_ == nullptr ? UINT64_MAX : fabric_->restNanos();
  const bool isDue = sleeper_->takeWake() || rest == 0 || (log_ != nullptr && log_->hasOutcome()) ||
                     (fabric_ != nullptr && !fabric_->noticesWrites() && hasNewWindow());
  const Sleeper::Ended ended =
      isDue ? Sleeper::Ended::woken
            : sleeper_->sleep(fabric_ == nullptr ? -1 : fabric_->descriptor(), std::min(rest, nanos));
  sleeper_->withdraw();
  const bool hasSlept = !isDue;
  if (fabric_ != nullptr) fabric_->endSleep(hasSlept);
  // One that came during the sleep is what has ended it.
  if (hasSlept && ended != Sleeper::Ended::timeout) sleeper_->takeWake();
  return ended != Sleeper::Ended::timeout || rest < nanos;
}

/// Whether a watched window is not what the last turn has copied.
bool Batch::hasNewWindow() const {
  for (size_t i = 0; i < windows_.size(); i++) {
    if (!windows_[i].isWatched) continue;
    const std::byte* const now = own(windows_[i].place, options_.windowBytes[i]);
    const std::byte* const copied = memory_->base() + layout_.windows[i];
    for (uint32_t at = 0; at < options_.windowBytes[i]; at += sizeof(uint64_t))
      if (loadWord(now + at) != loadWord(copied + at)) return true;
  }
  return false;
}

Misuse Batch::take(const Descriptor& descriptor, CompletionSink& sink) {
  if (descriptor.operation >= static_cast<uint32_t>(Extra::append)) return store(descriptor);
  if (fabric_ == nullptr) return Misuse::operation;
  switch (static_cast<Extra>(descriptor.operation)) {
    case Extra::control:
      return fabric_->control(descriptor.queuePair, static_cast<Control>(descriptor.argument), descriptor.operandLow,
                              descriptor.token);
    case Extra::protect:
      return fabric_->protect(descriptor.localRegion, descriptor.argument, descriptor.token);
    case Extra::observe:
      return observe(descriptor, sink);
    case Extra::publish:
      return publish(descriptor);
    case Extra::watch:
      return watch(descriptor);
    default:
      return post(descriptor);
  }
}

bool Batch::isOutput(uint32_t offset, uint32_t length) const {
  return uint64_t{offset} + length <= options_.outputBytes;
}

/// Where own registered bytes stand; null when they are not all there.
std::byte* Batch::own(const Place& place, uint32_t length) const {
  const auto regions = fabric_->regions();
  if (place.region >= regions.size() || place.offset % 8 != 0 || length % 8 != 0 ||
      uint64_t{place.offset} + length > regions[place.region].bytes)
    return nullptr;
  return fabricMemory_ + regions[place.region].offset + place.offset;
}

Misuse Batch::post(const Descriptor& descriptor) {
  Request request{};
  request.operation = static_cast<Operation>(descriptor.operation);
  request.queuePair = descriptor.queuePair;
  request.remote = {descriptor.remoteRegion, descriptor.remoteOffset};
  request.local = {descriptor.localRegion, descriptor.localOffset};
  request.length = descriptor.length;
  request.token = descriptor.token;
  request.flags = descriptor.flags & 0xffff;
  request.key = descriptor.flags >> 16;
  request.immediate = descriptor.argument;
  request.operand = wide(descriptor.operandLow, descriptor.operandHigh);
  request.desired = wide(descriptor.desiredLow, descriptor.desiredHigh);
  const bool isWrite = request.operation == Operation::write || request.operation == Operation::writeImmediate;
  if (request.operation == Operation::send || (isWrite && (request.flags & Flag::inlined) != 0)) {
    if (!isOutput(descriptor.localOffset, descriptor.length)) return Misuse::local;
    request.payload = memory_->base() + layout_.output + descriptor.localOffset;
  }
  return fabric_->post(request);
}

Misuse Batch::observe(const Descriptor& descriptor, CompletionSink& sink) {
  const std::byte* from = own({descriptor.localRegion, descriptor.localOffset}, descriptor.length);
  if (from == nullptr) return Misuse::local;
  if (!sink.hasRoom(descriptor.length)) return Misuse::queueFull;
  const uint32_t at = sink.arenaUsed;
  copyWordsIn(sink.arena.data() + at, from, descriptor.length);
  std::atomic_thread_fence(std::memory_order_acquire);
  sink.arenaUsed += descriptor.length;
  sink.next() = {CompletionKind::observed, noQueuePair, descriptor.token, Status::ok, at, descriptor.length, 0, 0};
  return Misuse::none;
}

Misuse Batch::publish(const Descriptor& descriptor) {
  std::byte* to = own({descriptor.remoteRegion, descriptor.remoteOffset}, descriptor.length);
  if (to == nullptr) return Misuse::region;
  if (!isOutput(descriptor.localOffset, descriptor.length)) return Misuse::local;
  copyWordsOut(to, memory_->base() + layout_.output + descriptor.localOffset, descriptor.length);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Misuse::none;
}

Misuse Batch::watch(const Descriptor& descriptor) {
  if (descriptor.queuePair >= windows_.size()) return Misuse::window;
  const Place place{descriptor.localRegion, descriptor.localOffset};
  if (own(place, options_.windowBytes[descriptor.queuePair]) == nullptr) return Misuse::local;
  windows_[descriptor.queuePair] = {place, true};
  return Misuse::none;
}

Misuse Batch::store(const Descriptor& descriptor) {
  const auto operation = static_cast<Extra>(descriptor.operation);
  if (operation != Extra::append && operation != Extra::flush && operation != Extra::truncate)
    return Misuse::operation;
  if (log_ == nullptr) return Misuse::storage;
  if (operation == Extra::flush) return log_->flush(descriptor.token);
  if (operation == Extra::truncate) return log_->truncate(descriptor.length);
  if (!isOutput(descriptor.localOffset, descriptor.length)) return Misuse::local;
  return log_->append({memory_->base() + layout_.output + descriptor.localOffset, descriptor.length});
}

}  // namespace aviary
