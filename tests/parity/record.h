#pragma once

#include <string>

namespace automed::parity {

/// A stored classification head, the architectures of it and of its base (JSON texts), and where the record goes.
struct Recording {
  std::string weights, base, head, out;
};

/// Writes `image`, `embedding` (both random) and the `logits` that the head computes of them, as safetensors.
void record_classification(const Recording& recording);

}  // namespace automed::parity
