#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace automed {

/// A file mapped into memory. Reading costs no anonymous memory; writing to the mapping changes private copies of its
/// pages, never the file.
class FileMapping {
 public:
  /// `kind` names the file in messages, e.g. `safetensors file`. Throws kNotFound when the file cannot be opened,
  /// kCheckpointCorrupt when it is empty or not a regular file.
  static std::shared_ptr<const FileMapping> open(const std::string& path, const std::string& kind);
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  char* data() const { return static_cast<char*>(data_); }
  std::size_t size() const { return size_; }
  std::string_view bytes() const { return {data(), size_}; }
  /// Gives the pages back to the system; touching them reads the file again. For what is read once and seldom after.
  void release() const;
  /// False once the file has shrunk: touching pages behind its end raises SIGBUS.
  bool still_complete() const;

 private:
  FileMapping(int descriptor, void* data, std::size_t size) : descriptor_(descriptor), data_(data), size_(size) {}

  int descriptor_;
  void* data_;
  std::size_t size_;
};

/// Bytes of a dense tensor; nothing when it overflows. Every partial product is checked (not only the total), because
/// LibTorch computes strides from partial products even when another dimension is zero.
std::optional<std::size_t> byte_count(const std::vector<std::int64_t>& sizes, std::size_t element);

/// Where a tensor lies in a mapping. `sizes` and `strides` count elements and must stay within the bytes that the
/// caller has checked.
struct MappedTensor {
  std::size_t begin;  ///< of element 0, bytes from the start of the file
  torch::ScalarType dtype;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
};

/// A view of the mapping, which it keeps alive; a copy where the data is not aligned to its type. Throws
/// kCheckpointCorrupt, naming `kind` and `name`, when the file has been cut or a truth value is neither 0 nor 1.
torch::Tensor view_of(const std::shared_ptr<const FileMapping>& mapping, const MappedTensor& tensor,
                      const std::string& kind, const std::string& name);

}  // namespace automed
