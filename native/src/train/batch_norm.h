#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace automed::train {

/// Measures the running statistics of every batch norm below a module anew: while it lives they start from nothing, the
/// batch norms alone are in training mode, and each forward pass counts alike. Afterwards the modes and momenta are as
/// before; the caller decides what passes through.
class BatchNormMeasurement {
 public:
  explicit BatchNormMeasurement(torch::nn::Module& module);
  ~BatchNormMeasurement();
  BatchNormMeasurement(const BatchNormMeasurement&) = delete;
  BatchNormMeasurement& operator=(const BatchNormMeasurement&) = delete;

  std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }

 private:
  struct Layer {
    torch::nn::BatchNorm2dImpl* norm;
    std::optional<double> momentum;
    bool training;
  };

  std::vector<Layer> layers_;
};

}  // namespace automed::train
