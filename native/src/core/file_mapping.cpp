#include "core/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>

#include "core/json.h"

namespace automed {
namespace {

/// Elements from the first to the last that the tensor touches.
std::size_t span_of(const MappedTensor& tensor) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i] == 0) return 0;
    last += (tensor.sizes[i] - 1) * tensor.strides[i];
  }
  return static_cast<std::size_t>(last) + 1;
}

[[noreturn]] void refuse(const std::string& kind, const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the " + kind + " " + what);
}

}  // namespace

std::shared_ptr<const FileMapping> FileMapping::open(const std::string& path, const std::string& kind) {
  const std::string name = std::filesystem::path(path).filename().string();
  // O_NONBLOCK: a FIFO in the file's place must not hang the process.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw Error(ErrorCode::kNotFound, "cannot open " + name + ": " + std::system_category().message(errno));
  }
  struct stat status {};
  const bool regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular || status.st_size == 0) {
    ::close(descriptor);
    refuse(kind, std::string(regular ? "is empty" : "is not a regular file") + " (" + name + ")");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  // Private and writable: an in-place operation on a view copies the page instead of raising SIGSEGV.
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    ::close(descriptor);
    throw Error(ErrorCode::kOutOfMemory, "cannot map " + name + ": " + std::system_category().message(error));
  }
  return std::shared_ptr<const FileMapping>(new FileMapping(descriptor, data, size));
}

FileMapping::~FileMapping() {
  ::munmap(data_, size_);
  ::close(descriptor_);
}

void FileMapping::release() const {
  ::madvise(data_, size_, MADV_DONTNEED);  // private copies of written pages go too; nothing of the file is lost
}

bool FileMapping::still_complete() const {
  struct stat status {};
  return ::fstat(descriptor_, &status) == 0 && static_cast<std::size_t>(status.st_size) >= size_;
}

std::optional<std::size_t> byte_count(const std::vector<std::int64_t>& sizes, std::size_t element) {
  constexpr std::size_t kMax = std::numeric_limits<std::int64_t>::max();
  bool empty = false;
  std::size_t bytes = element;
  for (const std::int64_t dimension : sizes) {
    empty = empty || dimension == 0;
    const std::size_t factor = std::max<std::size_t>(static_cast<std::size_t>(dimension), 1);
    if (factor > kMax / bytes) return std::nullopt;
    bytes *= factor;
  }
  return empty ? 0 : bytes;
}

torch::Tensor view_of(const std::shared_ptr<const FileMapping>& mapping, const MappedTensor& tensor,
                      const std::string& kind, const std::string& name) {
  if (!mapping->still_complete()) refuse(kind, "has been cut while it was in use");
  const auto options = torch::TensorOptions().dtype(tensor.dtype);
  const std::size_t span = span_of(tensor);
  if (span == 0) return torch::empty(tensor.sizes, options);

  char* data = mapping->data() + tensor.begin;
  const std::size_t element = c10::elementSize(tensor.dtype);
  if (tensor.dtype == torch::kBool &&
      std::any_of(data, data + span, [](char byte) { return byte != 0 && byte != 1; })) {
    refuse(kind, "has a truth value other than 0 and 1 in " + json::quote(name.substr(0, 120)));
  }
  if (reinterpret_cast<std::uintptr_t>(data) % element != 0) {
    // Older writers do not align their data; kernels may assume that it is.
    torch::Tensor copy = torch::empty({static_cast<std::int64_t>(span)}, options);
    std::memcpy(copy.data_ptr(), data, span * element);
    return copy.as_strided(tensor.sizes, tensor.strides);
  }
  return torch::from_blob(
      data, tensor.sizes, tensor.strides, [keep = mapping](void*) {}, options);
}

}  // namespace automed
