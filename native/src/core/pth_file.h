#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/weights_source.h"

namespace automed {

/// A file of Python's torch.save, memory-mapped: the zip format (a pickle `data.pkl` and one stored entry per storage)
/// or the legacy one of PyTorch before 1.6 (five pickles one after the other, then the storages). A restricted reader:
/// nothing of the pickle is executed (core/pickle.h), only state dicts are understood (core/torch_pickle.h), and
/// everything that the file says of the state dict's tensors is checked when it is opened. Checksums of storages are
/// checked when a tensor is first read.
class PthFile : public WeightsSource {
 public:
  static PthFile open(const std::string& path);
  /// By the first bytes.
  static bool recognises(std::string_view bytes);

  std::string_view format() const override;
  bool contains(const std::string& name) const override;
  std::vector<std::string> keys() const override;
  torch::Tensor tensor(const std::string& name) const override;
  std::vector<std::string> left_out() const override;

 private:
  struct Content;
  explicit PthFile(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  std::shared_ptr<Content> content_;
};

}  // namespace automed
