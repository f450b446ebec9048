// The system calls of the log, so that a test can let them fail. Each returns 0 or errno; none allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace aviary {

/// Bytes at an offset of a file.
struct Piece {
  int fd;
  uint64_t offset;
  std::span<const std::byte> bytes;
};

class Disk {
 public:
  virtual ~Disk() = default;
  /// Writes all of it; not durable.
  virtual int write(const Piece& piece) = 0;
  /// Makes durable what was written to a file (fdatasync).
  virtual int sync(int fd) = 0;
  /// Writes all of it, durably (RWF_DSYNC).
  virtual int writeDurably(const Piece& piece) = 0;
  /// Reserves space for a whole file.
  virtual int reserve(int fd, uint64_t bytes) = 0;
  /// Writes and syncs `data`, and then, when that is durable, writes `mark` durably.
  virtual int commit(const Piece& data, const Piece& mark);
};

/// One system call for each thing.
class PlainDisk : public Disk {
 public:
  int write(const Piece& piece) override;
  int sync(int fd) override;
  int writeDurably(const Piece& piece) override;
  int reserve(int fd, uint64_t bytes) override;
};

/// io_uring: a commit is one system call. Null where the kernel has none or forbids it.
std::unique_ptr<Disk> openUringDisk();

}  // namespace aviary
