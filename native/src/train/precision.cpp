#include "train/precision.h"

#include <ATen/autocast_mode.h>

#include "core/device.h"
#include "core/error.h"

namespace automed::train {

bool parse_training_precision(const std::string& text, torch::Device device) {
  if (text == "float32") return false;
  if (text == "auto") return computes_in_bfloat16(device);
  if (text != "bf16") {
    throw Error(ErrorCode::kInvalidArgument, "the precision must be float32, bf16 or auto", "precision");
  }
  if (!computes_in_bfloat16(device)) {
    throw Error(ErrorCode::kDeviceUnavailable, "this device does not compute in bf16; use float32 or auto",
                "precision");
  }
  return true;
}

Autocast::Autocast(torch::Device device, bool on)
    : device_(device.type()),
      before_(at::autocast::is_autocast_enabled(device_)),
      dtype_before_(at::autocast::get_autocast_dtype(device_)) {
  at::autocast::set_autocast_enabled(device_, on);
  if (on) at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
}

Autocast::~Autocast() {
  // The copies in bfloat16 belong to weights that the next step changes.
  if (!before_) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, before_);
  at::autocast::set_autocast_dtype(device_, dtype_before_);
}

}  // namespace automed::train
