// io_uring by its three system calls: the ring has room for one chain of three, which is waited for at once.
#include "disk.h"

#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "../memory/mapping.h"

namespace aviary {

namespace {

constexpr unsigned entries = 4;

class UringDisk final : public PlainDisk {
 public:
  /// False where there is none; errno says why.
  bool open() {
    io_uring_params params{};
    ring_ = UniqueFd(static_cast<int>(::syscall(SYS_io_uring_setup, entries, &params)));
    if (!ring_ || (params.features & IORING_FEAT_SINGLE_MMAP) == 0) return false;
    const size_t submissionBytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    const size_t completionBytes = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
    rings_ = map(std::max(submissionBytes, completionBytes), IORING_OFF_SQ_RING);
    queue_ = map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
    if (!rings_ || !queue_) return false;
    submissionTail_ = at<unsigned>(params.sq_off.tail);
    submissionMask_ = *at<unsigned>(params.sq_off.ring_mask);
    submissionArray_ = at<unsigned>(params.sq_off.array);
    completionHead_ = at<unsigned>(params.cq_off.head);
    completionTail_ = at<unsigned>(params.cq_off.tail);
    completionMask_ = *at<unsigned>(params.cq_off.ring_mask);
    completions_ = at<io_uring_cqe>(params.cq_off.cqes);
    return true;
  }

  int commit(const Piece& data, const Piece& mark) override {
    unsigned count = 0;
    if (!data.bytes.empty()) prepareWrite(count++, data, 0, true);
    prepare(count++, IORING_OP_FSYNC, data.fd, true).fsync_flags = IORING_FSYNC_DATASYNC;
    prepareWrite(count++, mark, RWF_DSYNC, false);
    int results[3];
    const int error = submit(count, results);
    if (error != 0) return error;
    const unsigned syncAt = data.bytes.empty() ? 0 : 1;
    const bool isShort = syncAt == 1 && results[0] >= 0 && static_cast<size_t>(results[0]) < data.bytes.size();
    // A chain breaks at a short write, of which the kernel does not say why.
    if (isShort) return PlainDisk::commit(data, mark);
    for (unsigned i = 0; i < count; i++)
      if (results[i] < 0 && results[i] != -ECANCELED) return -results[i];
    for (unsigned i = 0; i < count; i++)
      if (results[i] == -ECANCELED) return EIO;
    if (static_cast<size_t>(results[count - 1]) < mark.bytes.size()) return writeDurably(mark);
    return 0;
  }

 private:
  template <typename T>
  T* at(size_t offset) const {
    return reinterpret_cast<T*>(rings_.base() + offset);
  }
  Mapping map(size_t bytes, uint64_t offset) {
    void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_.get(),
                        static_cast<off_t>(offset));
    return base == MAP_FAILED ? Mapping() : Mapping(base, bytes);
  }

  io_uring_sqe& prepare(unsigned index, uint8_t operation, int fd, bool isLinked) {
    const unsigned slot = (*submissionTail_ + index) & submissionMask_;
    io_uring_sqe& entry = reinterpret_cast<io_uring_sqe*>(queue_.base())[slot];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = operation;
    entry.fd = fd;
    entry.flags = isLinked ? IOSQE_IO_LINK : 0;
    entry.user_data = index;
    submissionArray_[slot] = slot;
    return entry;
  }
  void prepareWrite(unsigned index, const Piece& piece, int flags, bool isLinked) {
    vectors_[index] = {const_cast<std::byte*>(piece.bytes.data()), piece.bytes.size()};
    io_uring_sqe& entry = prepare(index, IORING_OP_WRITEV, piece.fd, isLinked);
    entry.off = piece.offset;
    entry.addr = reinterpret_cast<uint64_t>(&vectors_[index]);
    entry.len = 1;
    entry.rw_flags = flags;
  }

  /// Submits so many prepared entries and waits for all of them.
  int submit(unsigned count, int* results) {
    std::atomic_ref<unsigned>(*submissionTail_).fetch_add(count, std::memory_order_release);
    unsigned submitted = 0;
    unsigned ended = 0;
    while (ended < count) {
      const long got = ::syscall(SYS_io_uring_enter, ring_.get(), count - submitted, count - ended,
                                 IORING_ENTER_GETEVENTS, nullptr, 0);
      if (got < 0 && errno != EINTR) return errno;
      if (got > 0) submitted += static_cast<unsigned>(got);
      unsigned head = *completionHead_;
      while (head != std::atomic_ref<unsigned>(*completionTail_).load(std::memory_order_acquire)) {
        const io_uring_cqe& completion = completions_[head++ & completionMask_];
        results[completion.user_data] = completion.res;
        ended++;
      }
      std::atomic_ref<unsigned>(*completionHead_).store(head, std::memory_order_release);
    }
    return 0;
  }

  UniqueFd ring_;
  Mapping rings_;
  Mapping queue_;
  unsigned* submissionTail_ = nullptr;
  unsigned* submissionArray_ = nullptr;
  unsigned submissionMask_ = 0;
  unsigned* completionHead_ = nullptr;
  unsigned* completionTail_ = nullptr;
  unsigned completionMask_ = 0;
  io_uring_cqe* completions_ = nullptr;
  iovec vectors_[3] = {};
};

}  // namespace

std::unique_ptr<Disk> openUringDisk() {
  auto disk = std::make_unique<UringDisk>();
  if (!disk->open()) return nullptr;
  return disk;
}

}  // namespace aviary

#else

namespace aviary {
std::unique_ptr<Disk> openUringDisk() { return nullptr; }
}  // namespace aviary

#endif
