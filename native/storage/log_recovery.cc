// Opening a log: reading it back, cutting a torn tail, reporting damage.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "log_files.h"
#include "log_format.h"

namespace aviary {

namespace {

[[noreturn]] void reportDamage(const std::string& folder, uint64_t record, uint64_t durable, const std::string& what) {
  throw NativeError("ERR_LOG_DAMAGED", "record " + std::to_string(record) + " of the log " + folder +
                                           " is damaged (" + what + "), though a flush has made the first " +
                                           std::to_string(durable) + " durable; restore it, or join as a new member");
}

void appendRecord(std::vector<std::byte>& to, const std::byte* bytes, uint32_t length) {
  const size_t at = to.size();
  to.resize(at + 4 + (size_t{length} + 3) / 4 * 4);
  std::memcpy(to.data() + at, &length, 4);
  std::memcpy(to.data() + at + 4, bytes, length);
}

}  // namespace

/// Segments whose header is good, in order; others are left out.
std::vector<LogFiles::Segment> LogFiles::listSegments() {
  std::vector<Segment> found;
  const int copy = ::dup(folder_.get());
  DIR* folder = copy < 0 ? nullptr : ::fdopendir(copy);
  if (folder == nullptr) throw NativeError("ERR_LOG", "listing of " + folderName_, errno);
  ::rewinddir(folder);
  while (const dirent* entry = ::readdir(folder)) {
    uint32_t number = 0;
    int used = 0;
    if (std::sscanf(entry->d_name, "segment-%u%n", &number, &used) != 1 || entry->d_name[used] != 0) continue;
    const UniqueFd file = openSegment(number, O_RDONLY);
    SegmentHeader header{};
    if (!file || ::pread(file.get(), &header, sizeof header, 0) != sizeof header || header.magic != segmentMagic ||
        header.crc != crcOf(header) || header.number != number)
      continue;
    if (header.bytes != segmentBytes_) {
      ::closedir(folder);
      throw NativeError("ERR_LOG", "the log " + folderName_ + " has segments of " + std::to_string(header.bytes) +
                                       " bytes; open it with that segmentBytes");
    }
    found.push_back({number, header.firstRecord, header.epoch});
  }
  ::closedir(folder);
  std::sort(found.begin(), found.end(), [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return found;
}

/// A later segment that begins no later stands in the place of what a failed commit left behind.
void LogFiles::removeVoidSegments(std::vector<Segment>& found) const {
  uint64_t least = UINT64_MAX;
  for (size_t i = found.size(); i-- > 0;) {
    if (found[i].firstRecord < least) {
      least = found[i].firstRecord;
    } else {
      removeSegment(found[i].number);
      found.erase(found.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void LogFiles::recover(std::vector<std::byte>& recovered) {
  const bool isMarked = readMarks();
  std::vector<Segment> found = listSegments();
  if (!isMarked && !found.empty()) reportDamage(folderName_, 0, 0, "both marks are unreadable");
  const uint64_t markedEpoch = epoch_;
  if (!found.empty()) nextNumber_ = found.back().number + 1;
  removeVoidSegments(found);
  // Segments that end before the first wanted record are left over from a truncation.
  while (found.size() > 1 && found[1].firstRecord <= firstRecord_) {
    segments_.push_back(found.front());
    found.erase(found.begin());
  }
  uint64_t reached = found.empty() ? firstRecord_ : found.front().firstRecord;
  if (reached > firstRecord_) reportDamage(folderName_, firstRecord_, durableRecords_, "its segment is missing");
  nextRecord_ = reached;
  size_t used = 0;
  for (; used < found.size(); used++) {
    const uint64_t end = used + 1 < found.size() ? found[used + 1].firstRecord : UINT64_MAX;
    // What a failed commit left behind was never promised, whatever a mark of an older epoch says.
    if (found[used].epoch > markedEpoch) durableRecords_ = std::min(durableRecords_, found[used].firstRecord);
    if (used + 1 < found.size() && found[used + 1].epoch > markedEpoch)
      durableRecords_ = std::min(durableRecords_, end);
    recoverSegment(found[used], end, recovered);
    segments_.push_back(found[used]);
    if (nextRecord_ < end) {
      used++;
      break;
    }
  }
  if (nextRecord_ < durableRecords_) reportDamage(folderName_, nextRecord_, durableRecords_, "its segment is missing");
  // Segments behind a cut held nothing that was promised.
  for (; used < found.size(); used++) removeSegment(found[used].number);
  epoch_ = std::max(epoch_, recordEpoch_) + 1;
  int error = 0;
  // The first mark is durable before the first segment is there.
  if (!isMarked) error = writeMark();
  if (error == 0 && segments_.empty()) error = beginSegment(nextRecord_);
  // What was found is made durable, so that nothing of it can be lost any more.
  if (error == 0) error = disk_.sync(segment_.get());
  if (error == 0) error = writeMark();
  if (error == 0 && ::fsync(folder_.get()) != 0) error = errno;
  if (error != 0) throw NativeError("ERR_LOG", "opening of the log " + folderName_, error);
  durableRecords_ = nextRecord_;
  dropOldSegments();
}

/// Reads the records of one segment up to record `end`; stops at the first that is none.
void LogFiles::recoverSegment(const Segment& segment, uint64_t end, std::vector<std::byte>& recovered) {
  segment_ = openSegment(segment.number, O_RDWR);
  if (!segment_) throw NativeError("ERR_LOG", "open of a segment of " + folderName_, errno);
  // The staging area has the size of a segment and is not in use yet.
  std::byte* const bytes = staging_.base();
  size_t size = 0;
  while (size < segmentBytes_) {
    const ssize_t got = ::pread(segment_.get(), bytes + size, segmentBytes_ - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw NativeError("ERR_LOG", "read of a segment of " + folderName_, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  offset_ = segmentHeaderBytes;
  while (nextRecord_ < end && offset_ + sizeof(RecordHeader) <= size) {
    RecordHeader header;
    std::memcpy(&header, bytes + offset_, sizeof header);
    if (header.index != nextRecord_ || header.epoch < recordEpoch_ ||
        offset_ + recordBytes(header.length) > size ||
        recordCrc(header, bytes + offset_ + sizeof header) != header.crc)
      break;
    if (nextRecord_ >= firstRecord_) appendRecord(recovered, bytes + offset_ + sizeof header, header.length);
    offset_ += recordBytes(header.length);
    recordEpoch_ = header.epoch;
    nextRecord_++;
  }
  if (nextRecord_ < std::min(end, durableRecords_)) {
    char name[32];
    std::snprintf(name, sizeof name, segmentNameFormat, segment.number);
    reportDamage(folderName_, nextRecord_, durableRecords_, std::string(name) + " at byte " + std::to_string(offset_));
  }
}

}  // namespace aviary
