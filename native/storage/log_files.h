// The log on disk: what the files hold, how they are read back, what is cut and what is reported.
//
// A folder holds numbered segments (`segment-00000001`, …) of a fixed size, reserved when they are made, and `marks`.
// A segment begins with a header that names the record it starts with; records follow one another. A record has its
// number, the epoch in which it was written, its length and a CRC-32C over all of that and its bytes. A mark says up to
// which record everything was made durable, which record is the first, and the epoch; there are two places for it, which
// are written in turn, so that a torn mark leaves the one before.
//
// A commit writes the records, syncs them, and then writes the mark, durably; only then it says ok. The second write is
// what a promise costs that can be told apart from a torn tail later: what is damaged below the mark was promised and is
// reported (ERR_LOG_DAMAGED), never cut; what is damaged above it was not, and is cut with all behind it.
//
// The epoch grows with each opening and each failed commit, and never falls along the log: so a record that was cut and
// still stands at the right place behind a newer one is known for what it is. After a failed commit the records since the
// last good one are void, in memory as on the disk: later ones go into a fresh segment that begins where the last good
// commit ended, since pages that failed to be written may be marked clean.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../fabric/fabric.h"
#include "../memory/mapping.h"
#include "disk.h"

namespace aviary {

struct RecordHeader {
  uint32_t crc;
  uint32_t length;
  uint64_t index;
  uint64_t epoch;
};

class LogFiles {
 public:
  /// Opens or makes a log and appends what it holds to `recovered`: per record a u32 length and the bytes, padded to 4.
  /// Throws NativeError: ERR_LOG_IN_USE, ERR_LOG_DAMAGED, ERR_LOG.
  LogFiles(const std::string& folder, uint32_t segmentBytes, Disk& disk, std::vector<std::byte>& recovered);

  /// Encodes a record behind those that wait. What goes wrong is told by the next commit.
  void stage(std::span<const std::byte> bytes);
  /// Whether a record of that length can ever be written.
  bool fits(uint32_t length) const;
  void truncate(uint64_t records);
  /// Makes everything staged so far durable.
  Status commit();
  /// Bytes that a record takes in a segment.
  static size_t recordBytes(uint32_t length) { return (sizeof(RecordHeader) + length + 7) / 8 * 8; }

 private:
  struct Segment {
    uint32_t number;
    uint64_t firstRecord;
    uint64_t epoch;
  };

  void lock();
  bool readMarks();
  int writeMark();
  void fillMark();
  std::vector<Segment> listSegments();
  void recover(std::vector<std::byte>& recovered);
  void recoverSegment(const Segment& segment, uint64_t end, std::vector<std::byte>& recovered);
  UniqueFd openSegment(uint32_t number, int flags) const;
  int beginSegment(uint64_t firstRecord);
  int flushStaged();
  void dropOldSegments();
  void removeSegment(uint32_t number) const;
  void removeVoidSegments(std::vector<Segment>& found) const;
  void abandon();

  const std::string folderName_;
  const uint32_t segmentBytes_;
  Disk& disk_;
  UniqueFd folder_;
  UniqueFd marks_;
  UniqueFd segment_;
  /// Segments that hold records still wanted, the current one last.
  std::vector<Segment> segments_;
  uint32_t nextNumber_ = 1;
  uint64_t offset_ = 0;
  uint64_t firstRecord_ = 0;
  uint64_t nextRecord_ = 0;
  uint64_t durableRecords_ = 0;
  uint64_t epoch_ = 0;
  /// Of the last record that was read back.
  uint64_t recordEpoch_ = 0;
  uint64_t markSequence_ = 0;
  /// Encoded records that are not yet written, and where they go.
  Mapping staging_;
  size_t staged_ = 0;
  Mapping markBlock_;
  /// Since the last failure the current segment must not be written any more.
  bool isAbandoned_ = false;
  int stageError_ = 0;
};

}  // namespace aviary
