#include "rendezvous.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace aviary {

namespace {

// The second byte from the right is the version of everything that peers share.
constexpr uint32_t helloMagic = 0x41560201;
constexpr uint32_t movedMagic = 0x41560202;
constexpr uint32_t wakeUpMagic = 0x41560203;
constexpr uint32_t listenerTag = 0x1000;
constexpr uint32_t strangerTag = 0x2000;
constexpr int descriptorsMax = 2;
constexpr uint32_t messagesPerLook = 16;
constexpr uint64_t connectIntervalNanos = 5'000'000;

socklen_t addressOf(const std::string& name, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  // A leading zero byte: the abstract namespace.
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

UniqueFd openSocket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw NativeError("ERR_SOCKET", "socket", errno);
  return fd;
}

bool isOfThisUser(int socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 &&
         credentials.uid == ::getuid();
}

union Control {
  cmsghdr align;
  char bytes[CMSG_SPACE(descriptorsMax * sizeof(int))];
};

bool sendWith(int socket, const void* bytes, size_t length, const int* fds, size_t count) {
  Control control{};
  iovec vector{const_cast<void*>(bytes), length};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(length);
}

union Message {
  uint32_t magic;
  Hello hello;
  Moved moved;
  WakeUp wakeUp;
};

enum class Heard { nothing, message, end };

Heard receiveFrom(int socket, Message& into, size_t& length, UniqueFd (&fds)[descriptorsMax]) {
  Control control{};
  iovec vector{&into, sizeof into};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Heard::nothing : Heard::end;
  if (got == 0) return Heard::end;
  length = static_cast<size_t>(got);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      if (i < descriptorsMax) fds[i] = UniqueFd(fd);
    }
  }
  return Heard::message;
}

}  // namespace

Rendezvous::Rendezvous(const std::string& cluster, uint32_t self, uint32_t nodes, RendezvousClient& client)
    : cluster_(cluster), self_(self), nodes_(nodes), client_(client), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw NativeError("ERR_SOCKET", "epoll_create1", errno);
  listener_ = openSocket();
  sockaddr_un address;
  const socklen_t length = addressOf(nameOf(self), address);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) {
    if (errno == EADDRINUSE)
      throw NativeError("ERR_ADDRESS_IN_USE", "node " + std::to_string(self) + " of cluster " + cluster +
                                                  " is open already, in this process or in another one that is alive");
    throw NativeError("ERR_SOCKET", "bind of " + nameOf(self), errno);
  }
  if (::listen(listener_.get(), static_cast<int>(nodesMax)) != 0)
    throw NativeError("ERR_SOCKET", "listen on " + nameOf(self), errno);
  watch(listener_.get(), listenerTag);
}

std::string Rendezvous::nameOf(uint32_t node) const {
  return "aviary/" + std::to_string(::getuid()) + "/" + cluster_ + "/" + std::to_string(node);
}

void Rendezvous::watch(int fd, uint32_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw NativeError("ERR_SOCKET", "epoll_ctl", errno);
}

void Rendezvous::tick(uint64_t nowNanos) {
  if (nowNanos >= nextConnectNanos_) {
    nextConnectNanos_ = nowNanos + connectIntervalNanos;
    for (uint32_t peer = 0; peer < self_; peer++)
      if (!peers_[peer]) connect(peer);
  }
  epoll_event events[16];
  const int count = ::epoll_wait(epoll_.get(), events, 16, 0);
  for (int i = 0; i < count; i++) {
    const uint32_t tag = events[i].data.u32;
    if (tag == listenerTag)
      accept();
    else if (tag >= strangerTag)
      hearStranger(tag - strangerTag);
    else
      hear(tag);
  }
}

bool Rendezvous::isMeeting() const {
  bool isMeeting = false;
  for (const UniqueFd& stranger : strangers_) isMeeting |= static_cast<bool>(stranger);
  for (uint32_t peer = 0; peer < nodes_; peer++) isMeeting |= peers_[peer] && !isMet_[peer];
  return isMeeting;
}

bool Rendezvous::introduceTo(uint32_t peer, int socket) {
  int fds[descriptorsMax] = {-1, -1};
  Hello hello = client_.introduce(peer, fds[0], fds[1]);
  hello.magic = helloMagic;
  return sendWith(socket, &hello, sizeof hello, fds, descriptorsMax);
}

void Rendezvous::connect(uint32_t peer) {
  UniqueFd socket = openSocket();
  sockaddr_un address;
  const socklen_t length = addressOf(nameOf(peer), address);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) return;
  if (!isOfThisUser(socket.get()) || !introduceTo(peer, socket.get())) return;
  watch(socket.get(), peer);
  peers_[peer] = std::move(socket);
}

void Rendezvous::accept() {
  for (uint32_t i = 0; i < strangersMax; i++) {
    if (strangers_[i]) continue;
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return;
    if (!isOfThisUser(socket.get())) continue;
    watch(socket.get(), strangerTag + i);
    strangers_[i] = std::move(socket);
  }
}

void Rendezvous::hearStranger(uint32_t index) {
  Message message{};
  size_t length = 0;
  UniqueFd fds[descriptorsMax];
  const Heard heard = receiveFrom(strangers_[index].get(), message, length, fds);
  if (heard == Heard::nothing) return;
  UniqueFd socket = std::move(strangers_[index]);
  const uint32_t peer = message.hello.node;
  if (heard == Heard::end || length != sizeof(Hello) || message.magic != helloMagic || peer <= self_ ||
      peer >= nodes_ || !fds[1])
    return;
  lose(peer);
  if (!introduceTo(peer, socket.get())) return;
  // The descriptor stays in the set; from now on it is the peer.
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = peer;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.get(), &event);
  peers_[peer] = std::move(socket);
  meet(peer, message.hello, fds[0], fds[1]);
}

/// Begins with a peer, or loses it, so that it is tried again.
bool Rendezvous::meet(uint32_t peer, const Hello& hello, UniqueFd& page, UniqueFd& segment) {
  try {
    isMet_[peer] = client_.met(peer, hello, std::move(page), std::move(segment));
  } catch (const NativeError&) {
    lose(peer);
    throw;
  }
  if (!isMet_[peer]) lose(peer);
  return isMet_[peer];
}

void Rendezvous::hear(uint32_t peer) {
  // A peer that goes on and on is heard again next time.
  for (uint32_t i = 0; i < messagesPerLook; i++) {
    Message message{};
    size_t length = 0;
    UniqueFd fds[descriptorsMax];
    const Heard heard = receiveFrom(peers_[peer].get(), message, length, fds);
    if (heard == Heard::nothing) return;
    // All that it had to do is done.
    if (heard == Heard::message && isMet_[peer] && length == sizeof(WakeUp) && message.magic == wakeUpMagic) continue;
    if (heard == Heard::message && !isMet_[peer] && length == sizeof(Hello) && message.magic == helloMagic &&
        message.hello.node == peer && fds[1]) {
      if (!meet(peer, message.hello, fds[0], fds[1])) return;
    } else if (heard == Heard::end || !isMet_[peer] || length != sizeof(Moved) || message.magic != movedMagic ||
               !client_.moved(peer, message.moved, std::move(fds[0]))) {
      return lose(peer);
    }
  }
}

void Rendezvous::lose(uint32_t peer) {
  if (!peers_[peer]) return;
  peers_[peer].reset();
  if (std::exchange(isMet_[peer], false)) client_.lost(peer);
}

bool Rendezvous::tellMoved(uint32_t peer, const Moved& moved, int segmentFd) {
  if (!isMet_[peer]) return true;
  Moved message = moved;
  message.magic = movedMagic;
  return sendWith(peers_[peer].get(), &message, sizeof message, &segmentFd, 1);
}

void Rendezvous::wake(uint32_t peer) {
  const WakeUp message{wakeUpMagic};
  ::send(peers_[peer].get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

uint64_t Rendezvous::nextLookNanos() const {
  bool isLooking = false;
  for (uint32_t peer = 0; peer < self_; peer++) isLooking |= !peers_[peer];
  return isLooking ? nextConnectNanos_ : UINT64_MAX;
}

}  // namespace aviary
