// The fabric over ibverbs: RC queue pairs of a device, RoCE or InfiniBand.
//
// Peers are told of each other by the runner (`addressFor`, `meet`). Everything else is the device's: what a request may
// do, in which order, and who is refused. Where devices differ from the rule book: docs/hardware.md.
#pragma once

#include "bells.h"
#include "end.h"

namespace aviary {

class VerbsFabric final : public Fabric {
 public:
  explicit VerbsFabric(const VerbsOptions& options);

  Misuse post(const Request& request) override;
  Misuse control(uint32_t queuePair, Control change, uint32_t argument, uint32_t token) override;
  Misuse protect(uint32_t region, uint32_t rights, uint32_t token) override;
  void poll(CompletionSink& sink) override;
  std::shared_ptr<Mapping> memory() const override { return segment_.mapping(); }
  std::span<const Region> regions() const override { return segment_.regions(); }
  bool placesInOrder() const override { return placesInOrder_; }
  PeerState peerState(uint32_t node) const override;
  EndState endState(uint32_t queuePair) const override;
  uint32_t relocations() const override { return 0; }
  Misuse impair(uint32_t, bool, bool) override { return Misuse::operation; }
  std::vector<std::byte> addressFor(uint32_t peer) const override;
  uint32_t addressRevision() const override { return revision_; }
  bool meet(uint32_t peer, std::span<const std::byte> address) override;
  int descriptor() const override { return epoll_.get(); }
  void announceSleep() override;
  uint64_t restNanos() const override;
  bool noticesWrites() const override { return false; }
  void endSleep(bool hasSlept) override;
  uint32_t wakes() const override { return bells_->rings(); }

 private:
  static constexpr int takenAtOnce = 32;

  struct Ended {
    bool isWaiting = false;
    uint32_t token = 0;
    Status status{};
  };
  struct Peer {
    bool isKnown = false;
    bool isIncompatible = false;
    PeerAddress address;
  };

  VerbsEnd* endAt(uint32_t queuePair) const;
  const PeerAddress* addressOf(uint32_t queuePair) const;
  void registerRegion(uint32_t region, uint32_t rights);
  bool fits(uint32_t peer, const PeerAddress& address) const;
  void watch(int descriptor);
  void takeAsyncEvents();
  void deliverControls(CompletionSink& sink);
  void deliverTaken(CompletionSink& sink);
  bool refill();

  const VerbsOptions options_;
  Segment segment_;
  std::shared_ptr<Mapping> buffers_;
  Endpoint endpoint_;
  bool placesInOrder_ = false;
  MemoryRegion local_;
  MemoryRegion buffersRegion_;
  MemoryRegion remote_[regionsMax];
  uint32_t registrations_[regionsMax] = {};
  uint32_t revision_ = 0;
  std::unique_ptr<Bells> bells_;
  std::vector<std::unique_ptr<VerbsEnd>> ends_;
  Peer peers_[nodesMax];
  std::vector<Ended> controls_;
  Ended protected_;
  uint32_t controlsEnded_ = 0;
  /// Completions that the device has handed over and the sink had no room for yet.
  ibv_wc taken_[takenAtOnce];
  int takenAt_ = 0;
  int takenCount_ = 0;
  uint32_t polls_ = 0;
  uint64_t tendedNanos_ = 0;
  bool isTickForced_ = false;
  UniqueFd epoll_;
};

/// Whether low addresses of a WRITE are visible first, asked of a queue pair of the port that is connected to itself.
bool queryPlacesInOrder(const Port& port, const Domain& domain);

/// A queue pair of the port that is connected to itself, in RTS.
QueuePairObject connectToItself(const Port& port, const Domain& domain, const CompletionQueue& queue);

}  // namespace aviary
