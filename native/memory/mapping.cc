#include "mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "../native_error.h"

namespace aviary {

namespace {
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    reset();
    base_ = std::exchange(other.base_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void Mapping::reset() {
  if (base_ != nullptr) ::munmap(std::exchange(base_, nullptr), std::exchange(bytes_, 0));
}

Mapping Mapping::anonymous(size_t bytes) {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw NativeError("ERR_MEMORY", "mmap of " + std::to_string(bytes) + " bytes", errno);
  return Mapping(base, bytes);
}

Mapping Mapping::shared(int fd, size_t bytes) {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED)
    throw NativeError("ERR_MEMORY", "mmap of " + std::to_string(bytes) + " shared bytes", errno);
  return Mapping(base, bytes);
}

void Mapping::replaceBy(Mapping&& other) {
  if (::mremap(other.base_, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, base_) == MAP_FAILED)
    throw NativeError("ERR_MEMORY", "mremap of " + std::to_string(bytes_) + " bytes", errno);
  other.base_ = nullptr;
}

UniqueFd createSharedMemory(const char* label, size_t bytes) {
  UniqueFd fd(::memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throw NativeError("ERR_MEMORY", std::string("memfd_create of ") + label, errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0)
    throw NativeError("ERR_MEMORY", "ftruncate of " + std::string(label) + " to " + std::to_string(bytes), errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0)
    throw NativeError("ERR_MEMORY", std::string("sealing of ") + label, errno);
  return fd;
}

bool isSealedMemory(int fd, size_t bytes) {
  struct stat status {};
  const int found = ::fcntl(fd, F_GET_SEALS);
  return found >= 0 && (found & F_SEAL_SHRINK) != 0 && ::fstat(fd, &status) == 0 &&
         static_cast<size_t>(status.st_size) >= bytes;
}

size_t roundUpToPages(size_t bytes) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace aviary
