#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace automed {

/// A file that appears complete or not at all: bytes go to a hidden file in the same folder, `commit` makes them
/// durable and renames it into place. Without `commit` nothing is left behind.
class AtomicFile {
 public:
  /// Throws kNotFound when the folder does not exist, kStorageFull when it has no room.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t size);
  /// fsync, rename over `path`, fsync of the folder.
  void commit();

 private:
  [[noreturn]] void fail(const char* action, int error) const;
  void discard() noexcept;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

/// Writes a whole small file that way.
void write_file_atomic(const std::string& path, std::string_view content);

}  // namespace automed
