// One end of a queue pair over ibverbs: its state as the contract has it, and the requests on it that have not completed.
//
// The device's queue pairs behind it (lanes) are driven by `ibv_modify_qp`, synchronously: a control call has had its effect
// when it returns, and its completion comes with the next poll. What was under way when an end is reset is forgotten: its
// completions, which some devices still deliver, carry the number of a former life of the end and are dropped.
//
// An end may be connected before the peer's address is known. Requests that are posted then wait, as if the peer were
// silent, and fail when the retry time is over; none of them is sent later.
#pragma once

#include "address.h"
#include "port.h"

namespace aviary {

/// What all ends of a node share.
struct Endpoint {
  Port port;
  Domain domain;
  std::unique_ptr<CompletionQueue> queue;
  std::byte* memory = nullptr;
  std::span<const Region> regions;
  /// Of the whole segment, for what goes out of it and what lands in it.
  uint32_t localKey = 0;
  /// Payloads that are too long for the device to take inline, and receive buffers.
  std::byte* buffers = nullptr;
  uint32_t buffersKey = 0;
  uint64_t boot = 0;
  /// Exponent of the acknowledgement time, in units of 4.096 µs.
  uint8_t timeout = 14;
  uint64_t retryNanos = 0;
};

/// Names a request, or a receive buffer, in its completion.
struct WorkId {
  static constexpr uint64_t receive = uint64_t{1} << 63;
  /// 11 bits: ends of 32 nodes, and the bells behind them.
  uint32_t end;
  uint32_t life;
  uint32_t ordinal;

  uint64_t pack(bool isReceive) const {
    return (isReceive ? receive : 0) | uint64_t{end} << 52 | uint64_t{life & lifeMask} << 32 | ordinal;
  }
  static WorkId unpack(uint64_t id) {
    return {static_cast<uint32_t>(id >> 52) & 0x7ff, static_cast<uint32_t>(id >> 32) & lifeMask,
            static_cast<uint32_t>(id)};
  }
  static constexpr uint32_t lifeMask = (1u << 20) - 1;
};

class VerbsEnd {
 public:
  /// `buffersAt`: where its part of the endpoint's buffers begins.
  VerbsEnd(const Endpoint& endpoint, const VerbsOptions& options, uint32_t peer, uint32_t pair, size_t buffersAt);

  /// Bytes of the endpoint's buffers that an end needs.
  static size_t bufferBytes(const VerbsOptions& options);

  Misuse post(const Request& request, const PeerAddress* address);
  /// Carries out a control call; what it comes to is told with its completion.
  Status change(Control change, uint32_t argument, const PeerAddress* address);
  /// The peer's address has become known.
  void meet(const PeerAddress& address);
  /// Takes a completion of the device; false when the sink has no room for it, and nothing has changed.
  bool take(const ibv_wc& completion, CompletionSink& sink);
  /// Fails what was posted to nobody for too long, and hands out what has failed so.
  void tend(CompletionSink& sink, uint64_t nowNanos);
  bool needsTending() const { return isHeld_; }

  EndState state() const;
  /// Numbers of its lanes' queue pairs.
  uint32_t number(uint32_t lane) const { return lanes_[lane]->qp_num; }
  uint32_t inlineBytesMax() const { return inlineBytesMax_; }

 private:
  struct Slot {
    uint32_t token;
    bool isSignaled;
  };

  bool isDevice() const { return attached_ != nullptr; }
  std::string name() const;
  void attach(const PeerAddress& address);
  bool changeRights(uint32_t rights);
  bool modify(ibv_qp_attr& attributes, int mask, const char* to);
  bool toReceive(const PeerAddress& address);
  bool toSend();
  bool toState(ibv_qp_state state);
  int accessFlags() const;
  void postReceive(uint32_t buffer);
  void detach();
  bool takeReceived(const ibv_wc& completion, CompletionSink& sink);
  void hold();

  const Endpoint& endpoint_;
  const VerbsOptions& options_;
  const uint32_t peer_;
  const uint32_t pair_;
  const uint32_t index_;
  const size_t buffersAt_;
  QueuePairObject lanes_[lanes];
  uint32_t inlineBytesMax_ = 0;
  /// The lane in use; null while there is none, because the end is in RESET or INIT or the peer is not known.
  ibv_qp* attached_ = nullptr;
  EndState state_ = EndState::reset;
  uint32_t rights_ = 0;
  uint32_t connection_ = 0;
  /// First packet sequence number of what goes out.
  uint32_t firstSent_ = 0;
  uint32_t life_ = 0;
  std::vector<Slot> slots_;
  const uint32_t mask_;
  /// Ordinals of requests: the oldest that holds its place, and the next.
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
  /// Requests wait that the device has not been given.
  bool isHeld_ = false;
  bool hasHeldFailed_ = false;
  uint64_t heldSinceNanos_ = 0;
};

}  // namespace aviary
