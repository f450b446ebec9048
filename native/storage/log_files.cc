#include "log_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "crc32c.h"
#include "log_format.h"

namespace aviary {

namespace {

Status statusOf(int error) {
  const bool isFull = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return isFull ? Status::diskFull : Status::diskFailed;
}

}  // namespace

LogFiles::LogFiles(const std::string& folder, uint32_t segmentBytes, Disk& disk, std::vector<std::byte>& recovered)
    : folderName_(folder), segmentBytes_(segmentBytes), disk_(disk) {
  staging_ = Mapping::anonymous(roundUpToPages(segmentBytes));
  markBlock_ = Mapping::anonymous(markBytes);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw NativeError("ERR_LOG", "mkdir of " + folder, errno);
  folder_ = UniqueFd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_) throw NativeError("ERR_LOG", "open of folder " + folder, errno);
  lock();
  recover(recovered);
}

bool LogFiles::fits(uint32_t length) const {
  return recordBytes(length) <= segmentBytes_ - segmentHeaderBytes;
}

// ---- appending

void LogFiles::stage(std::span<const std::byte> bytes) {
  if (stageError_ != 0) return;
  const size_t size = recordBytes(static_cast<uint32_t>(bytes.size()));
  if (isAbandoned_ || offset_ + staged_ + size > segmentBytes_) {
    // What this segment holds is synced here, as a commit syncs the last one only.
    stageError_ = isAbandoned_ ? 0 : flushStaged();
    if (stageError_ == 0) stageError_ = beginSegment(nextRecord_);
    if (stageError_ != 0) return;
  }
  std::byte* at = staging_.base() + staged_;
  RecordHeader header{0, static_cast<uint32_t>(bytes.size()), nextRecord_, epoch_};
  std::memset(at + size - 8, 0, 8);
  if (!bytes.empty()) std::memcpy(at + sizeof header, bytes.data(), bytes.size());
  header.crc = recordCrc(header, bytes.data());
  std::memcpy(at, &header, sizeof header);
  staged_ += size;
  nextRecord_++;
}

int LogFiles::flushStaged() {
  int error = 0;
  if (staged_ > 0) error = disk_.write({segment_.get(), offset_, staging_.span().first(staged_)});
  if (error == 0) error = disk_.sync(segment_.get());
  if (error == 0) {
    offset_ += staged_;
    staged_ = 0;
  }
  return error;
}

void LogFiles::truncate(uint64_t records) { firstRecord_ = std::min(nextRecord_, firstRecord_ + records); }

Status LogFiles::commit() {
  int error = stageError_;
  if (error == 0 && isAbandoned_) error = beginSegment(nextRecord_);
  if (error == 0) {
    fillMark();
    error = disk_.commit({segment_.get(), offset_, staging_.span().first(staged_)},
                         {marks_.get(), markSequence_ % 2 * markBytes, markBlock_.span().first(markBytes)});
  }
  if (error != 0) {
    abandon();
    return statusOf(error);
  }
  offset_ += staged_;
  staged_ = 0;
  durableRecords_ = nextRecord_;
  dropOldSegments();
  return Status::ok;
}

/// What is not durable is void.
void LogFiles::abandon() {
  staged_ = 0;
  stageError_ = 0;
  nextRecord_ = durableRecords_;
  firstRecord_ = std::min(firstRecord_, nextRecord_);
  isAbandoned_ = true;
  epoch_++;
}

void LogFiles::fillMark() {
  Mark mark{markMagic, 0, ++markSequence_, nextRecord_, firstRecord_, epoch_};
  mark.crc = crcOf(mark);
  std::memcpy(markBlock_.base(), &mark, sizeof mark);
}

// ---- segments

UniqueFd LogFiles::openSegment(uint32_t number, int flags) const {
  char name[32];
  std::snprintf(name, sizeof name, segmentNameFormat, number);
  return UniqueFd(::openat(folder_.get(), name, flags | O_CLOEXEC, 0600));
}

int LogFiles::beginSegment(uint64_t firstRecord) {
  const uint32_t number = nextNumber_;
  char name[32];
  std::snprintf(name, sizeof name, segmentNameFormat, number);
  UniqueFd fresh = openSegment(number, O_RDWR | O_CREAT | O_TRUNC);
  int error = fresh ? 0 : errno;
  SegmentHeader header{segmentMagic, 0, number, segmentBytes_, firstRecord, epoch_, {}};
  header.crc = crcOf(header);
  if (error == 0) error = disk_.reserve(fresh.get(), segmentBytes_);
  if (error == 0) error = disk_.write({fresh.get(), 0, std::as_bytes(std::span(&header, 1))});
  if (error == 0 && ::fsync(folder_.get()) != 0) error = errno;
  if (error != 0) {
    ::unlinkat(folder_.get(), name, 0);
    return error;
  }
  segment_ = std::move(fresh);
  nextNumber_ = number + 1;
  // Segments that held nothing but void records; the next opening removes their files.
  while (!segments_.empty() && segments_.back().firstRecord >= firstRecord) segments_.pop_back();
  segments_.push_back({number, firstRecord, epoch_});
  offset_ = segmentHeaderBytes;
  staged_ = 0;
  isAbandoned_ = false;
  return 0;
}

void LogFiles::removeSegment(uint32_t number) const {
  char name[32];
  std::snprintf(name, sizeof name, segmentNameFormat, number);
  ::unlinkat(folder_.get(), name, 0);
}

/// Those of which no record is wanted any more. Failing to do so is no harm: they are dropped at the next opening.
void LogFiles::dropOldSegments() {
  while (segments_.size() > 1 && segments_[1].firstRecord <= firstRecord_) {
    removeSegment(segments_.front().number);
    segments_.erase(segments_.begin());
  }
}

// ---- opening

void LogFiles::lock() {
  marks_ = UniqueFd(::openat(folder_.get(), "marks", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!marks_) throw NativeError("ERR_LOG", "open of " + folderName_ + "/marks", errno);
  // The folder, as nothing is read or written through it: what io_uring was doing with a file keeps that open, and locked,
  // for a moment after its process was killed.
  if (::flock(folder_.get(), LOCK_EX | LOCK_NB) != 0)
    throw NativeError("ERR_LOG_IN_USE", "the log " + folderName_ + " is open already, in this process or in another one");
}

/// Finds the newest good mark; false when there is none.
bool LogFiles::readMarks() {
  bool isFound = false;
  for (int place = 0; place < 2; place++) {
    Mark mark{};
    if (::pread(marks_.get(), &mark, sizeof mark, place * static_cast<off_t>(markBytes)) != sizeof mark) continue;
    if (mark.magic != markMagic || mark.crc != crcOf(mark) || (isFound && mark.sequence < markSequence_)) continue;
    isFound = true;
    markSequence_ = mark.sequence;
    durableRecords_ = mark.durableRecords;
    firstRecord_ = mark.firstRecord;
    epoch_ = mark.epoch;
  }
  return isFound;
}

int LogFiles::writeMark() {
  fillMark();
  return disk_.writeDurably({marks_.get(), markSequence_ % 2 * markBytes, markBlock_.span().first(markBytes)});
}

}  // namespace aviary
