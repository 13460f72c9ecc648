#include "core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <random>
#include <system_error>

#include "core/error.h"

namespace automed {
namespace {

/// One write call moves at most this much, so that a huge tensor does not hit the kernel's own limit.
constexpr std::size_t kChunk = 64u << 20;

std::string folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string temporary_name(const std::string& path) {
  std::random_device random;
  std::array<char, 20> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%08x%08x", random(), random());
  return folder_of(path) + "/." + std::filesystem::path(path).filename().string() + "." + suffix.data() + ".tmp";
}

/// File-size limits count as a full disk: to the caller both mean "no room for this file".
bool out_of_space(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create", errno);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::write(const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, at, std::min(size, kChunk));
    if (written < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      discard();
      fail("write", error);
    }
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  // close() reports late errors of network file systems, so it is part of the commit.
  int error = ::fsync(descriptor_) == 0 ? 0 : errno;
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    discard();
    fail("write", error);
  }
  temporary_.clear();
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int folder_error = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  // Some file systems cannot sync a folder and say EINVAL; there is nothing more to do on them.
  if (folder_error != 0 && folder_error != EINVAL) fail("write", folder_error);
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(const char* action, int error) const {
  const std::string name = std::filesystem::path(path_).filename().string();
  const std::string reason = std::system_category().message(error);
  const std::string message = std::string("cannot ") + action + " " + name + ": " + reason;
  if (out_of_space(error)) throw Error(ErrorCode::kStorageFull, message);
  if (error == ENOENT || error == ENOTDIR) throw Error(ErrorCode::kNotFound, message);
  throw Error(ErrorCode::kInternal, message);
}

void write_file_atomic(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content.data(), content.size());
  file.commit();
}

}  // namespace automed
