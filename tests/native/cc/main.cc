#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>

#include "harness.h"

// Of the sanitizer's library, whose headers not every compiler package has.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*onMalloc)(const volatile void*, size_t),
                                                         void (*onFree)(const volatile void*));

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

std::string freshCluster() {
  static int count = 0;
  return "cc-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

std::vector<aviary::Completion> Node::poll() {
  aviary::Completion completions[16];
  aviary::CompletionSink sink{completions, arena};
  fabric.poll(sink);
  return {completions, completions + sink.count};
}

aviary::Completion Node::next() {
  for (;;) {
    const auto ended = poll();
    CHECK(ended.size() <= 1);
    if (!ended.empty()) return ended.front();
  }
}

void meet(Node& one, Node& other) {
  while (!one.isConnected(1) || !other.isConnected(0)) {
    CHECK(one.poll().empty());
    CHECK(other.poll().empty());
  }
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "aviary-cc-XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}
Folder::~Folder() { std::filesystem::remove_all(path_); }

static std::atomic<uint64_t> allocationCount{0};
uint64_t allocations() { return allocationCount.load(); }

int main() {
  // Children of the tests must not outlive them.
  ::alarm(120);
  const int hooks = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, size_t) { allocationCount.fetch_add(1, std::memory_order_relaxed); },
      [](const volatile void*) {});
  CHECK(hooks > 0);
  for (const Test& test : tests()) {
    const auto begun = std::chrono::steady_clock::now();
    test.run();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    std::printf("ok %s (%.0f ms)\n", test.name, took.count());
    std::fflush(stdout);
  }
  std::printf("%zu passed\n", tests().size());
}
