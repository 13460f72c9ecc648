#include "core/vector_math.h"

#include <torch/torch.h>

namespace automed {

void resolve_vector_math() {
  const torch::NoGradGuard no_grad;
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    // One element: never shared out to threads. The list is that of ATen/cpu/vml.h.
    const auto one = torch::full({1}, 0.5, torch::dtype(type));
    one.acos(), one.asin(), one.atan(), one.cos(), one.erf(), one.erfc(), one.erfinv(), one.exp(), one.log();
    one.log10(), one.log2(), one.sin(), one.sqrt(), one.tan(), one.tanh(), one.trunc();
  }
}

}  // namespace automed
