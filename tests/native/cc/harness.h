// The least of a test harness: named tests, checks that say where, and nodes of one cluster in this process.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../../native/batch/batch.h"
#include "../../../native/shm/shm_fabric.h"

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

struct Test {
  const char* name;
  void (*run)();
};
std::vector<Test>& tests();

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define TEST(sentence)                                                            \
  static void JOIN(test, __LINE__)();                                             \
  static const Registration JOIN(registration, __LINE__)(sentence, JOIN(test, __LINE__)); \
  static void JOIN(test, __LINE__)()

/// Numbers from a seed.
class Draw {
 public:
  explicit Draw(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  /// From 0 up to, not including, `end`.
  uint32_t operator()(uint32_t end) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((state_ >> 33) * end >> 31);
  }

 private:
  uint64_t state_;
};

std::string freshCluster();

/// A fabric and what one poll of it brings.
struct Node {
  explicit Node(const aviary::ShmOptions& options) : fabric(options) {}
  bool isConnected(uint32_t peer) const { return fabric.peerState(peer) == aviary::PeerState::connected; }
  std::vector<aviary::Completion> poll();
  /// Polls until a completion comes.
  aviary::Completion next();

  aviary::ShmFabric fabric;
  std::byte arena[4096];
};

/// Until both have met.
void meet(Node& one, Node& other);

/// A folder that is removed in the end.
class Folder {
 public:
  Folder();
  ~Folder();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/log/" + name; }

 private:
  std::string path_;
};

/// Allocations of this process so far, counted by the sanitizer.
uint64_t allocations();
