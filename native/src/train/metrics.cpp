#include "train/metrics.h"

#include "core/error.h"

namespace automed::train {
namespace {

void require_same_shape(const torch::Tensor& predicted, const torch::Tensor& reference) {
  if (predicted.sizes() != reference.sizes()) {
    throw Error(ErrorCode::kShapeMismatch, "the masks to compare differ in shape", "mask");
  }
}

}  // namespace

Overlap overlap_of_counts(std::int64_t predicted, std::int64_t reference, std::int64_t common) {
  if (predicted + reference == 0) return {1, 1};
  const auto both = static_cast<double>(common);
  return {2 * both / static_cast<double>(predicted + reference),
          both / static_cast<double>(predicted + reference - common)};
}

Overlap overlap(const torch::Tensor& predicted, const torch::Tensor& reference) {
  return overlaps(predicted.unsqueeze(0), reference.unsqueeze(0)).front();
}

std::vector<Overlap> overlaps(const torch::Tensor& predicted, const torch::Tensor& reference) {
  require_same_shape(predicted, reference);
  const std::int64_t batch = predicted.size(0);
  const torch::Tensor p = (predicted != 0).reshape({batch, -1});
  const torch::Tensor r = (reference != 0).reshape({batch, -1});
  const torch::Tensor counts = torch::stack({p.sum(1), r.sum(1), (p & r).sum(1)}, 1).to(torch::kCPU);  // B,3
  const auto count = counts.accessor<std::int64_t, 2>();
  std::vector<Overlap> result;
  for (std::int64_t i = 0; i < batch; ++i) {
    result.push_back(overlap_of_counts(count[i][0], count[i][1], count[i][2]));
  }
  return result;
}

}  // namespace automed::train
