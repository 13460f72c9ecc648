#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace automed {

/// A memory-mapped safetensors file: 8 bytes header length (little endian), a JSON header, then the tensors' bytes.
/// `open` checks everything the header says before anything is read, so that a malformed or hostile file ends in
/// Error(kCheckpointCorrupt) and never in a wild read. A missing file is kNotFound.
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::string& path);

  bool contains(const std::string& name) const;
  /// In the order of the names.
  std::vector<std::string> keys() const;
  /// A view of the mapped file (no copy); it keeps the mapping alive. Writing to the view changes private memory, never
  /// the file. Throws kNotFound for an unknown name, kCheckpointCorrupt when the file has been cut since it was opened.
  torch::Tensor tensor(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  class Mapping;
  struct Entry {
    torch::ScalarType dtype;
    std::vector<std::int64_t> shape;
    std::size_t begin;  // from the start of the file
    std::size_t end;
  };

  SafetensorsFile() = default;
  void read_header();

  std::shared_ptr<Mapping> mapping_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Writes atomically (see AtomicFile): a reader never sees half a file. A full disk is Error(kStorageFull).
void save_safetensors(const std::string& path, const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace automed
