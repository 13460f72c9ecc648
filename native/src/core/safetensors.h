#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/file_mapping.h"
#include "core/weights_source.h"

namespace automed {

/// A memory-mapped safetensors file: 8 bytes header length (little endian), a JSON header, then the tensors' bytes.
/// `open` checks everything the header says before anything is read, so that a malformed or hostile file ends in
/// Error(kCheckpointCorrupt) and never in a wild read. A missing file is kNotFound.
class SafetensorsFile : public WeightsSource {
 public:
  static SafetensorsFile open(const std::string& path);

  std::string_view format() const override { return "safetensors"; }
  bool contains(const std::string& name) const override;
  std::vector<std::string> keys() const override;
  torch::Tensor tensor(const std::string& name) const override;
  /// Takes the file's pages out of this process's memory until a tensor is read again.
  void release() const { mapping_->release(); }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Entry {
    torch::ScalarType dtype;
    std::vector<std::int64_t> shape;
    std::size_t begin;  // from the start of the file
    std::size_t end;
  };

  SafetensorsFile() = default;
  void read_header();

  std::shared_ptr<const FileMapping> mapping_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Writes atomically (see AtomicFile): a reader never sees half a file. A full disk is Error(kStorageFull).
void save_safetensors(const std::string& path, const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace automed
