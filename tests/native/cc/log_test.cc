// The log: what a flush has made durable is read back whatever happens, and what cannot be read back is reported.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "../../../native/storage/log_files.h"
#include "harness.h"

using namespace aviary;

namespace {

constexpr uint32_t segmentBytes = 4096;

std::vector<std::byte> record(uint32_t number, uint32_t length) {
  std::vector<std::byte> bytes(length);
  for (uint32_t i = 0; i < length; i++) bytes[i] = static_cast<std::byte>(number * 31 + i);
  return bytes;
}
/// Lengths that are no multiples of anything, and some that fill a segment.
uint32_t lengthOf(uint32_t number) { return number % 7 == 3 ? 3000 : number * 37 % 200; }

/// The records that the contract's framing holds.
std::vector<std::vector<std::byte>> split(const std::vector<std::byte>& recovered) {
  std::vector<std::vector<std::byte>> records;
  for (size_t at = 0; at < recovered.size();) {
    uint32_t length = 0;
    std::memcpy(&length, recovered.data() + at, 4);
    records.emplace_back(recovered.begin() + static_cast<long>(at) + 4, recovered.begin() + static_cast<long>(at) + 4 + length);
    at += 4 + (length + 3) / 4 * 4;
  }
  return records;
}

std::vector<std::vector<std::byte>> readBack(const Folder& folder) {
  PlainDisk disk;
  std::vector<std::byte> recovered;
  const LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
  return split(recovered);
}

/// Lets its n-th call fail in some way, and all later ones too if the power is gone.
class FaultyDisk final : public PlainDisk {
 public:
  enum class Kind { error, full, powerLoss };
  FaultyDisk(Kind kind, uint32_t failAt, uint32_t seed) : kind_(kind), failAt_(failAt), draw_(seed) {}

  int write(const Piece& piece) override { return fails() ? tear(piece) : PlainDisk::write(piece); }
  int sync(int fd) override { return fails() ? error() : PlainDisk::sync(fd); }
  int writeDurably(const Piece& piece) override { return fails() ? tear(piece) : PlainDisk::writeDurably(piece); }
  int reserve(int fd, uint64_t bytes) override { return fails() ? error() : PlainDisk::reserve(fd, bytes); }
  uint32_t calls() const { return calls_; }
  bool hasFailed() const { return calls_ > failAt_; }

 private:
  bool fails() {
    const uint32_t call = calls_++;
    return kind_ == Kind::powerLoss ? call >= failAt_ : call == failAt_;
  }
  int error() const { return kind_ == Kind::full ? ENOSPC : EIO; }
  /// Of what fails to be written any sectors may have been.
  int tear(const Piece& piece) {
    if (calls_ == failAt_ + 1)
      for (size_t at = 0; at < piece.bytes.size(); at += 512)
        if (draw_(2) == 0)
          PlainDisk::write({piece.fd, piece.offset + at, piece.bytes.subspan(at, std::min<size_t>(512, piece.bytes.size() - at))});
    return error();
  }

  const Kind kind_;
  const uint32_t failAt_;
  Draw draw_;
  uint32_t calls_ = 0;
};

/// Its marks fail once it is told so.
class MarklessDisk final : public PlainDisk {
 public:
  int writeDurably(const Piece& piece) override { return isMarkless ? EIO : PlainDisk::writeDurably(piece); }
  bool isMarkless = false;
};

/// Appends and flushes; returns what good flushes cover, in order. Records in flight at the end go into `unpromised`.
struct Written {
  std::vector<uint32_t> promised;
  std::vector<uint32_t> unpromised;
  uint32_t failures = 0;
  uint32_t fullFailures = 0;
};

Written writeSome(LogFiles& files, uint32_t rounds, uint32_t seed) {
  Written written;
  Draw draw(seed);
  uint32_t number = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    for (uint32_t k = draw(4); k > 0; k--) {
      files.stage(record(number, lengthOf(number)));
      written.unpromised.push_back(number++);
    }
    const Status status = files.commit();
    if (status == Status::ok) {
      written.promised.insert(written.promised.end(), written.unpromised.begin(), written.unpromised.end());
    } else {
      written.failures++;
      written.fullFailures += status == Status::diskFull ? 1 : 0;
    }
    written.unpromised.clear();
  }
  return written;
}

void checkPromised(const Folder& folder, const Written& written) {
  const auto records = readBack(folder);
  CHECK(records.size() >= written.promised.size());
  for (size_t i = 0; i < written.promised.size(); i++) {
    const uint32_t number = written.promised[i];
    CHECK(records[i] == record(number, lengthOf(number)));
  }
}

/// Runs with a fault at every call that there is, one after the other.
template <typename Check>
uint32_t atEveryCall(FaultyDisk::Kind kind, uint32_t rounds, Check check) {
  uint32_t struck = 0;
  for (uint32_t failAt = 0;; failAt++) {
    const Folder folder;
    FaultyDisk disk(kind, failAt, failAt + 7);
    std::vector<std::byte> recovered;
    Written written;
    bool isOpen = false;
    try {
      LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
      isOpen = true;
      written = writeSome(files, rounds, 3);
    } catch (const NativeError& error) {
      CHECK(!isOpen && error.code() == "ERR_LOG");
    }
    if (!disk.hasFailed()) return struck;
    struck++;
    if (isOpen) check(written);
    checkPromised(folder, written);
  }
}

void flip(const std::string& path, uint64_t at) {
  const int fd = ::open(path.c_str(), O_RDWR);
  CHECK(fd >= 0);
  char byte = 0;
  CHECK(::pread(fd, &byte, 1, static_cast<off_t>(at)) == 1);
  byte = static_cast<char>(byte ^ 0x10);
  CHECK(::pwrite(fd, &byte, 1, static_cast<off_t>(at)) == 1);
  ::close(fd);
}

}  // namespace

TEST("records are read back in order, over segments and over openings") {
  const Folder folder;
  Written all;
  for (uint32_t opening = 0; opening < 4; opening++) {
    PlainDisk disk;
    std::vector<std::byte> recovered;
    LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
    CHECK(split(recovered).size() == all.promised.size());
    const auto first = static_cast<uint32_t>(all.promised.size());
    for (uint32_t i = first; i < first + 20; i++) {
      files.stage(record(i, lengthOf(i)));
      all.promised.push_back(i);
    }
    CHECK(files.commit() == Status::ok);
  }
  checkPromised(folder, all);
}

TEST("what was truncated is gone with the next flush, and its files with it") {
  const Folder folder;
  PlainDisk disk;
  std::vector<std::byte> recovered;
  {
    LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
    for (uint32_t i = 0; i < 30; i++) files.stage(record(i, 1000));
    CHECK(files.commit() == Status::ok);
    files.truncate(25);
  }
  CHECK(readBack(folder).size() == 30);
  {
    LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
    files.truncate(25);
    CHECK(files.commit() == Status::ok);
  }
  const auto records = readBack(folder);
  CHECK(records.size() == 5 && records[0] == record(25, 1000));
  CHECK(!std::filesystem::exists(folder.file("segment-00000001")));
}

TEST("a flush that fails is reported at whichever call it fails, and what others had promised is read back") {
  for (const auto kind : {FaultyDisk::Kind::error, FaultyDisk::Kind::full}) {
    const uint32_t struck = atEveryCall(kind, 30, [&](const Written& written) {
      CHECK(written.failures == 1);
      CHECK(written.fullFailures == (kind == FaultyDisk::Kind::full ? 1 : 0));
    });
    CHECK(struck > 90);
  }
}

TEST("a loss of power at any call, with any sectors written, keeps what was promised and is no damage") {
  const uint32_t struck = atEveryCall(FaultyDisk::Kind::powerLoss, 30, [](const Written& written) {
    CHECK(written.failures > 0);
  });
  CHECK(struck > 90);
}

TEST("a flipped bit below the mark is reported, and one above it is cut, at every byte") {
  constexpr uint32_t promised = 6;
  constexpr uint32_t all = 9;
  const Folder original;
  MarklessDisk disk;
  std::vector<std::byte> ignored;
  {
    LogFiles files(original.path() + "/log", segmentBytes, disk, ignored);
    for (uint32_t i = 0; i < promised; i++) files.stage(record(i, 40 + i));
    CHECK(files.commit() == Status::ok);
    for (uint32_t i = promised; i < all; i++) files.stage(record(i, 40 + i));
    disk.isMarkless = true;
    CHECK(files.commit() == Status::diskFailed);
  }
  uint64_t end = 64;
  for (uint32_t i = 0; i < promised; i++) end += LogFiles::recordBytes(40 + i);
  uint32_t reported = 0;
  size_t least = all;
  for (uint64_t at = 0; at < end + 250; at++) {
    const Folder copy;
    std::filesystem::copy(original.path() + "/log", copy.path() + "/log");
    flip(copy.file("segment-00000001"), at);
    try {
      const auto records = readBack(copy);
      CHECK(records.size() >= promised && records.size() <= all);
      for (uint32_t i = 0; i < records.size(); i++) CHECK(records[i] == record(i, 40 + i));
      if (at < end) CHECK(records.size() == all);
      least = std::min(least, records.size());
    } catch (const NativeError& error) {
      CHECK(at < end && error.code() == "ERR_LOG_DAMAGED");
      CHECK(std::string(error.what()).find("is damaged") != std::string::npos);
      reported++;
    }
  }
  // All bytes below the mark count but the padding of records; above it a flip in the first record cuts all.
  CHECK(reported > end - promised * 8 && least == promised);
}

TEST("a record that was cut does not come back behind a newer one of its length") {
  const Folder folder;
  std::vector<std::byte> ignored;
  {
    MarklessDisk disk;
    LogFiles files(folder.path() + "/log", segmentBytes, disk, ignored);
    disk.isMarkless = true;
    for (uint32_t i = 0; i < 3; i++) files.stage(record(i, 100));
    CHECK(files.commit() == Status::diskFailed);
  }
  flip(folder.file("segment-00000001"), 64 + sizeof(RecordHeader));
  {
    PlainDisk disk;
    std::vector<std::byte> recovered;
    LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
    CHECK(recovered.empty());
    files.stage(record(7, 100));
    CHECK(files.commit() == Status::ok);
  }
  const auto records = readBack(folder);
  CHECK(records.size() == 1 && records[0] == record(7, 100));
}

TEST("a folder is open once, and only with the size of its segments") {
  const Folder folder;
  PlainDisk disk;
  std::vector<std::byte> recovered;
  const auto codeOf = [&](uint32_t bytes) -> std::string {
    try {
      const LogFiles files(folder.path() + "/log", bytes, disk, recovered);
    } catch (const NativeError& error) {
      return error.code();
    }
    return "open";
  };
  {
    const LogFiles files(folder.path() + "/log", segmentBytes, disk, recovered);
    CHECK(codeOf(segmentBytes) == "ERR_LOG_IN_USE");
  }
  CHECK(codeOf(2 * segmentBytes) == "ERR_LOG");
  CHECK(codeOf(segmentBytes) == "open");
}

TEST("io_uring writes what system calls write, where the kernel has it") {
  const std::unique_ptr<Disk> ring = openUringDisk();
  if (ring == nullptr) {
    std::printf("   the kernel has no io_uring: %s\n", std::strerror(errno));
    return;
  }
  const Folder folder;
  std::vector<std::byte> recovered;
  Written written;
  {
    LogFiles files(folder.path() + "/log", segmentBytes, *ring, recovered);
    written = writeSome(files, 50, 3);
    CHECK(written.failures == 0);
  }
  checkPromised(folder, written);
  // Its errors are told: this descriptor is no file.
  const std::byte bytes[8] = {};
  CHECK(ring->commit({-1, 0, bytes}, {-1, 0, bytes}) == EBADF);
}
