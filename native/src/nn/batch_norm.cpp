#include "nn/batch_norm.h"

#include <algorithm>
#include <utility>

namespace automed::nn {
namespace {

constexpr std::array<std::int64_t, 3> kAllButChannels = {0, 2, 3};

struct Statistics {
  torch::Tensor mean;      // C
  torch::Tensor variance;  // C, biased
  double count = 0;        // values of a channel in the whole batch
};

/// Of the whole batch. What is summed is in double precision: a variance from sums loses what float32 has.
Statistics statistics_of(const torch::Tensor& x, SharedBatch& batch) {
  const torch::NoGradGuard no_grad;
  const auto channels = x.size(1);
  const std::int64_t own_count = batch.contributes() ? x.numel() / channels : 0;
  const auto count = static_cast<double>(own_count);
  const auto [variance, mean] = torch::var_mean(x, kAllButChannels, /*unbiased=*/false);
  const torch::Tensor own_mean = mean.to(torch::kFloat64);
  const torch::Tensor sums = torch::cat({own_mean * count, (variance.to(torch::kFloat64) + own_mean.square()) * count,
                                         torch::full({1}, count, own_mean.options())});  // 2C + 1
  batch.sum(sums);
  const auto total = sums[2 * channels].item<double>();
  const torch::Tensor whole_mean = sums.slice(0, 0, channels) / total;
  const torch::Tensor whole_variance =
      (sums.slice(0, channels, 2 * channels) / total - whole_mean.square()).clamp_min(0);
  return {whole_mean.to(x.dtype()), whole_variance.to(x.dtype()), total};
}

torch::Tensor per_channel(const torch::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

/// x, weight and bias -> the normalised batch; mean and variance are constants to autograd, and the gradient that flows
/// through them is part of backward.
class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& mean,
                               const torch::Tensor& variance, double eps, double count,
                               const c10::intrusive_ptr<SharedBatch>& batch) {
    context->save_for_backward({x, weight, mean, (variance + eps).rsqrt()});
    context->saved_data["count"] = count;
    context->saved_data["batch"] = c10::IValue::make_capsule(batch);
    return torch::batch_norm(x, weight, bias, mean, variance, /*training=*/false, 0, eps, false);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &scale = saved[3];
    const auto capsule = context->saved_data["batch"].toCapsule();
    auto& batch = static_cast<SharedBatch&>(*capsule);
    const torch::Tensor& y_gradient = gradients[0];
    const torch::Tensor normal = (x - per_channel(saved[2])) * per_channel(scale);     // B,C,H,W
    const torch::Tensor bias_gradient = y_gradient.sum(kAllButChannels);               // C
    const torch::Tensor weight_gradient = (y_gradient * normal).sum(kAllButChannels);  // C
    const torch::Tensor sums = torch::cat({bias_gradient, weight_gradient}).to(torch::kFloat64);
    // One that does not contribute has no gradient either: its loss counts nothing.
    batch.sum(sums);
    const auto means = (sums / context->saved_data["count"].toDouble()).to(x.dtype()).split(x.size(1));
    torch::Tensor x_gradient = y_gradient - per_channel(means[0]) - normal * per_channel(means[1]);
    x_gradient = x_gradient * per_channel(weight * scale);
    if (!batch.contributes()) x_gradient = torch::zeros_like(x_gradient);
    return {x_gradient, weight_gradient, bias_gradient, {}, {}, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor BatchNormImpl::forward(const torch::Tensor& x) {
  if (!batch_ || !is_training()) return torch::nn::BatchNorm2dImpl::forward(x);
  _check_input_dim(x);
  const auto [mean, variance, count] = statistics_of(x, *batch_);
  TORCH_CHECK_VALUE(count > 1, "batch norm needs more than one value per channel when training");
  {
    const torch::NoGradGuard no_grad;
    num_batches_tracked.add_(1);
    const double share = options.momentum().value_or(1.0 / num_batches_tracked.item<double>());
    running_mean.mul_(1 - share).add_(mean, share);
    running_var.mul_(1 - share).add_(variance, share * count / (count - 1));  // unbiased
  }
  return Normalise::apply(x, weight, bias, mean, variance, options.eps(), count, batch_);
}

void share_batch_norm(torch::nn::Module& module, const c10::intrusive_ptr<SharedBatch>& batch) {
  module.apply([&](torch::nn::Module& child) {
    if (auto* norm = child.as<BatchNorm>()) norm->share(batch);
  });
}

}  // namespace automed::nn
