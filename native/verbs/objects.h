// Owners of ibverbs objects. Each keeps what it was made from alive, so they may be given up in any order; the last one to
// go closes the device.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "library.h"

namespace aviary {

template <typename Object>
class Owned {
 public:
  using Destroy = int (*)(Object*);

  Owned() = default;
  /// Throws NativeError when `object` is null: the verb has failed, and errno says why.
  Owned(Object* object, Destroy destroy, std::shared_ptr<const void> origin, const char* verb, const std::string& name)
      : origin_(std::move(origin)), object_(object), destroy_(destroy) {
    if (object_ == nullptr) throw verbsError(verb, name, errno);
  }
  Owned(Owned&& other) noexcept
      : origin_(std::move(other.origin_)), object_(std::exchange(other.object_, nullptr)), destroy_(other.destroy_) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) {
      reset();
      origin_ = std::move(other.origin_);
      object_ = std::exchange(other.object_, nullptr);
      destroy_ = other.destroy_;
    }
    return *this;
  }
  ~Owned() { reset(); }

  Object* get() const { return object_; }
  Object* operator->() const { return object_; }
  /// A verb that destroys can fail only by misuse, or with a device that is gone; nothing is left to do then.
  void reset() {
    if (object_ != nullptr) destroy_(std::exchange(object_, nullptr));
    origin_.reset();
  }

 private:
  std::shared_ptr<const void> origin_;
  Object* object_ = nullptr;
  Destroy destroy_ = nullptr;
};

using Context = std::shared_ptr<const Owned<ibv_context>>;
using Domain = std::shared_ptr<const Owned<ibv_pd>>;
using MemoryRegion = Owned<ibv_mr>;
using QueuePairObject = Owned<ibv_qp>;

inline Domain allocDomain(const Context& context, const std::string& device) {
  return std::make_shared<const Owned<ibv_pd>>(verbs().allocPd(context->get()), verbs().deallocPd, context,
                                               "ibv_alloc_pd", device);
}

inline MemoryRegion registerMemory(const Domain& domain, void* base, size_t bytes, int access,
                                   std::shared_ptr<const void> keeper) {
  // The memory must outlive its registration.
  auto origin = std::make_shared<std::pair<Domain, std::shared_ptr<const void>>>(domain, std::move(keeper));
  return MemoryRegion(verbs().regMr(domain->get(), base, bytes, access), verbs().deregMr, std::move(origin),
                      "ibv_reg_mr", std::to_string(bytes) + " bytes");
}

/// A completion queue with its channel. Events are acknowledged as they come: a queue with others cannot be destroyed.
class CompletionQueue {
 public:
  CompletionQueue(const Context& context, uint32_t depth)
      : channel_(std::make_shared<const Owned<ibv_comp_channel>>(verbs().createChannel(context->get()),
                                                                 verbs().destroyChannel, context,
                                                                 "ibv_create_comp_channel", "the device")),
        queue_(std::make_shared<const Owned<ibv_cq>>(
            verbs().createCq(context->get(), static_cast<int>(depth), nullptr, channel_->get(), 0), verbs().destroyCq,
            channel_, "ibv_create_cq", std::to_string(depth) + " completions")) {
    const int flags = ::fcntl(descriptor(), F_GETFL);
    if (flags < 0 || ::fcntl(descriptor(), F_SETFL, flags | O_NONBLOCK) != 0)
      throw NativeError("ERR_SOCKET", "fcntl of a completion channel", errno);
  }

  ibv_cq* get() const { return queue_->get(); }
  std::shared_ptr<const Owned<ibv_cq>> share() const { return queue_; }
  int descriptor() const { return (*channel_)->fd; }
  /// How many completions were taken.
  int poll(ibv_wc* into, int room) const {
    const int count = ibv_poll_cq(get(), room, into);
    if (count < 0) throw verbsError("ibv_poll_cq", "the completion queue", -count);
    return count;
  }
  /// The next completion makes the channel readable.
  void arm() const {
    const int failed = ibv_req_notify_cq(get(), 0);
    if (failed != 0) throw verbsError("ibv_req_notify_cq", "the completion queue", failed);
  }
  void takeEvents() const {
    ibv_cq* queue;
    void* context;
    unsigned count = 0;
    while (verbs().getCqEvent(channel_->get(), &queue, &context) == 0) count++;
    if (count > 0) verbs().ackCqEvents(get(), count);
  }

 private:
  std::shared_ptr<const Owned<ibv_comp_channel>> channel_;
  std::shared_ptr<const Owned<ibv_cq>> queue_;
};

}  // namespace aviary
