#pragma once

#include <torch/torch.h>

#include <string>

namespace automed::train {

/// `float32`, `bf16`, or `auto`: bf16 where the device computes in it. Returns whether it is bf16. Throws
/// kInvalidArgument (field `precision`) for anything else, kDeviceUnavailable for bf16 where the device has none.
bool parse_training_precision(const std::string& text, torch::Device device);

/// Mixed precision for this thread and scope: matrix products and convolutions in bfloat16, what needs range or digits
/// in float32, batch norm's statistics too. `on` false turns it off inside such a scope, for losses and gradients.
class Autocast {
 public:
  Autocast(torch::Device device, bool on);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool before_;
  torch::Dtype dtype_before_;
};

}  // namespace automed::train
