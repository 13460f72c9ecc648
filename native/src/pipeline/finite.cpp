#include "pipeline/finite.h"

#include <string>

namespace automed::pipeline {

bool is_finite(const torch::Tensor& values) {
  // NaN and Inf survive a sum. Finite values whose sum overflows are rare: only then each is looked at.
  return values.sum().isfinite().item<bool>() || values.isfinite().all().item<bool>();
}

Error non_finite(const char* what) {
  return {ErrorCode::kNonFiniteOutput,
          std::string("the model computed NaN or Inf for this image (") + what +
              "): its weights are unsound, or the pixel values lie far outside the range it was trained on",
          "model"};
}

void check_finite(const torch::Tensor& values, const char* what) {
  if (!is_finite(values)) throw non_finite(what);
}

}  // namespace automed::pipeline
