// How nodes of one machine find each other, and hand each other their memory: descriptors over unix sockets.
//
// Sockets have abstract names, memory has none at all, so whatever way a process ends, the kernel takes everything
// back: there is no file to be left over. A name is reachable for every user of the machine; peers of another user are
// turned away. The node with the higher number connects. The end of a socket tells that its process has closed its
// fabric or is dead, and is then past its last store: the kernel gives the memory of a process back before its files.
#pragma once

#include <cstdint>
#include <string>

#include "layout.h"
#include "../memory/mapping.h"

namespace aviary {

/// The first message in either direction, with two descriptors: the page, and the segment.
struct Hello {
  uint32_t magic;
  uint32_t node;
  uint32_t nodes;
  uint32_t pairs;
  uint32_t receiveDepth;
  uint32_t messageBytes;
  uint32_t generation;
  uint32_t regionCount;
  uint64_t segmentBytes;
  Region regions[regionsMax];
};

/// The sender's segment has moved, with one descriptor.
struct Moved {
  uint32_t magic;
  uint32_t generation;
  uint64_t segmentBytes;
};

/// The receiver is to wake up: it has announced that it sleeps, and there is something for it.
struct WakeUp {
  uint32_t magic;
};

/// What the rendezvous asks of the fabric it works for.
class RendezvousClient {
 public:
  /// What to tell a new peer; it gets a page of its own.
  virtual Hello introduce(uint32_t peer, int& pageFd, int& segmentFd) = 0;
  /// False when nothing can be begun with what the peer says.
  virtual bool met(uint32_t peer, const Hello& hello, UniqueFd page, UniqueFd segment) = 0;
  virtual bool moved(uint32_t peer, const Moved& moved, UniqueFd segment) = 0;
  virtual void lost(uint32_t peer) = 0;

 protected:
  ~RendezvousClient() = default;
};

class Rendezvous {
 public:
  /// Throws NativeError: ERR_ADDRESS_IN_USE when a process of this node is alive already.
  Rendezvous(const std::string& cluster, uint32_t self, uint32_t nodes, RendezvousClient& client);

  /// Looks once at everything, without waiting.
  void tick(uint64_t nowNanos);
  /// Whether somebody is being met, so that the next look should be soon.
  bool isMeeting() const;
  /// Whether the peer could be told; if not, tell it again later.
  bool tellMoved(uint32_t peer, const Moved& moved, int segmentFd);
  /// Ends the sleep of a peer's thread. When there is no room for that, it has not taken earlier news and wakes anyway.
  void wake(uint32_t peer);
  /// Readable whenever a look would find something.
  int descriptor() const { return epoll_.get(); }
  /// When the next look is due though nothing is readable, because a peer is looked for; never is UINT64_MAX.
  uint64_t nextLookNanos() const;

 private:
  static constexpr uint32_t strangersMax = 8;

  std::string nameOf(uint32_t node) const;
  void watch(int fd, uint32_t tag);
  void accept();
  void connect(uint32_t peer);
  void hear(uint32_t peer);
  void hearStranger(uint32_t index);
  bool meet(uint32_t peer, const Hello& hello, UniqueFd& page, UniqueFd& segment);
  void lose(uint32_t peer);
  bool introduceTo(uint32_t peer, int socket);

  const std::string cluster_;
  const uint32_t self_;
  const uint32_t nodes_;
  RendezvousClient& client_;
  UniqueFd epoll_;
  UniqueFd listener_;
  UniqueFd peers_[nodesMax];
  bool isMet_[nodesMax] = {};
  uint64_t nextConnectNanos_ = 0;
  /// Those who have connected and not yet said who they are.
  UniqueFd strangers_[strangersMax];
};

}  // namespace aviary
