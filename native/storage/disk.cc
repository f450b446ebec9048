#include "disk.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace aviary {

namespace {

int writeAll(const Piece& piece, int flags) {
  size_t done = 0;
  while (done < piece.bytes.size()) {
    const iovec vector{const_cast<std::byte*>(piece.bytes.data() + done), piece.bytes.size() - done};
    const ssize_t got = ::pwritev2(piece.fd, &vector, 1, static_cast<off_t>(piece.offset + done), flags);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return ENOSPC;
    done += static_cast<size_t>(got);
  }
  return 0;
}

}  // namespace

int Disk::commit(const Piece& data, const Piece& mark) {
  int error = data.bytes.empty() ? 0 : write(data);
  if (error == 0) error = sync(data.fd);
  return error == 0 ? writeDurably(mark) : error;
}

int PlainDisk::write(const Piece& piece) { return writeAll(piece, 0); }

int PlainDisk::sync(int fd) { return ::fdatasync(fd) == 0 ? 0 : errno; }

int PlainDisk::writeDurably(const Piece& piece) { return writeAll(piece, RWF_DSYNC); }

int PlainDisk::reserve(int fd, uint64_t bytes) {
  // Not all file systems can reserve; space is then found out to be missing when it is written.
  if (::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0 || errno == EOPNOTSUPP) return 0;
  return errno;
}

}  // namespace aviary
