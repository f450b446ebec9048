// Owners of file descriptors and of mapped memory.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <span>
#include <utility>

namespace aviary {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

class Mapping {
 public:
  Mapping() = default;
  /// Takes over memory that was mapped.
  Mapping(void* base, size_t bytes) : base_(static_cast<std::byte*>(base)), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { reset(); }

  /// Zeroed memory of this process alone.
  static Mapping anonymous(size_t bytes);
  /// Shared memory behind a descriptor. Throws NativeError.
  static Mapping shared(int fd, size_t bytes);
  /// Puts other memory of the same size in the place of this, at the same address. Throws NativeError.
  void replaceBy(Mapping&& other);

  std::byte* base() const { return base_; }
  size_t bytes() const { return bytes_; }
  std::span<std::byte> span() const { return {base_, bytes_}; }
  explicit operator bool() const { return base_ != nullptr; }
  void reset();

 private:
  std::byte* base_ = nullptr;
  size_t bytes_ = 0;
};

/// Memory without a name that lives as long as somebody has it open or mapped, and can neither shrink nor grow.
UniqueFd createSharedMemory(const char* label, size_t bytes);
/// Whether a descriptor received from a peer is such memory of at least so many bytes: mapping it can then never fault.
bool isSealedMemory(int fd, size_t bytes);

size_t roundUpToPages(size_t bytes);

}  // namespace aviary
