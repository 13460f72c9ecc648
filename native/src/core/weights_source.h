#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace automed {

/// A file of named tensors, whatever its format. Opening it has checked everything that the file says about them.
class WeightsSource {
 public:
  virtual ~WeightsSource() = default;

  /// Of the file, e.g. `safetensors`.
  virtual std::string_view format() const = 0;
  virtual bool contains(const std::string& name) const = 0;
  /// In the order of the names.
  virtual std::vector<std::string> keys() const = 0;
  /// A view of the mapped file (no copy); it keeps the mapping alive. Writing to the view changes private memory, never
  /// the file. Throws kNotFound for an unknown name, kCheckpointCorrupt when the file has been cut since it was opened.
  virtual torch::Tensor tensor(const std::string& name) const = 0;
  /// What the file holds besides: names of entries that are not tensors of the weights, e.g. `optimizer`.
  virtual std::vector<std::string> left_out() const { return {}; }
};

/// Opens a safetensors file or what Python's torch.save wrote, whichever the content says it is; the name does not
/// matter. Neither runs any code of the file. Throws kNotFound when there is none, kCheckpointCorrupt when it is
/// damaged or of no known format, kCheckpointMismatch when it is intact but holds no state dict.
std::unique_ptr<const WeightsSource> open_weights(const std::string& path);

}  // namespace automed
