#include "train/fused_adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <optional>
#include <utility>

namespace automed::train {
namespace {

/// `values` in the order in memory that `parameter` has: the kernels go through all of them side by side.
torch::Tensor laid_out_as(const torch::Tensor& parameter, const torch::Tensor& values) {
  if (values.strides() == parameter.strides()) return values;
  return torch::empty_like(parameter).copy_(values);
}

/// What the kernels are told of the parameters of one group that have a gradient.
struct Lists {
  std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
};

/// at::_fused_adam_ or at::_fused_adamw_.
using Kernel = void (*)(at::TensorList parameters, at::TensorList gradients, at::TensorList means,
                        at::TensorList squares, at::TensorList largest_squares, at::TensorList steps, double rate,
                        double beta1, double beta2, double weight_decay, double eps, bool amsgrad, bool maximize,
                        const std::optional<at::Tensor>& gradient_scale,
                        const std::optional<at::Tensor>& found_infinity);

template <typename Optimizer, typename State, typename Options, Kernel kernel>
class Fused final : public Optimizer {
 public:
  using Optimizer::Optimizer;

  torch::Tensor step(torch::optim::Optimizer::LossClosure closure = nullptr) override {
    if (closure || !on_cpu()) return Optimizer::step(std::move(closure));
    const torch::NoGradGuard no_grad;
    for (auto& group : this->param_groups_) {
      Lists lists;
      for (const auto& parameter : group.params()) {
        if (parameter.grad().defined()) add(lists, parameter);
      }
      if (lists.parameters.empty()) continue;
      const auto& options = static_cast<const Options&>(group.options());
      const auto [beta1, beta2] = options.betas();
      kernel(lists.parameters, lists.gradients, lists.means, lists.squares, {}, lists.steps, options.lr(), beta1, beta2,
             options.weight_decay(), options.eps(), /*amsgrad=*/false, /*maximize=*/false, {}, {});
    }
    return {};
  }

 private:
  bool on_cpu() const {
    for (const auto& group : this->param_groups_) {
      for (const auto& parameter : group.params()) {
        if (!parameter.is_cpu()) return false;
      }
    }
    return true;
  }

  void add(Lists& lists, const torch::Tensor& parameter) {
    auto& slot = this->state_[parameter.unsafeGetTensorImpl()];
    if (!slot) {
      auto fresh = std::make_unique<State>();
      fresh->step(0);
      fresh->exp_avg(torch::zeros_like(parameter));
      fresh->exp_avg_sq(torch::zeros_like(parameter));
      slot = std::move(fresh);
    }
    auto& state = static_cast<State&>(*slot);
    state.step(state.step() + 1);
    state.exp_avg(laid_out_as(parameter, state.exp_avg()));  // what was loaded is in order
    state.exp_avg_sq(laid_out_as(parameter, state.exp_avg_sq()));
    lists.parameters.push_back(parameter);
    lists.gradients.push_back(laid_out_as(parameter, parameter.grad()));
    lists.means.push_back(state.exp_avg());
    lists.squares.push_back(state.exp_avg_sq());
    lists.steps.push_back(torch::full({}, static_cast<double>(state.step()), torch::kFloat32));
  }
};

using FusedAdam = Fused<torch::optim::Adam, torch::optim::AdamParamState, torch::optim::AdamOptions, &at::_fused_adam_>;
using FusedAdamW =
    Fused<torch::optim::AdamW, torch::optim::AdamWParamState, torch::optim::AdamWOptions, &at::_fused_adamw_>;

}  // namespace

std::unique_ptr<torch::optim::Optimizer> make_fused_adam(std::vector<torch::Tensor> parameters, double learning_rate,
                                                         double weight_decay, WeightDecay kind) {
  if (kind == WeightDecay::kL2) {
    return std::make_unique<FusedAdam>(std::move(parameters),
                                       torch::optim::AdamOptions(learning_rate).weight_decay(weight_decay));
  }
  return std::make_unique<FusedAdamW>(std::move(parameters),
                                      torch::optim::AdamWOptions(learning_rate).weight_decay(weight_decay));
}

}  // namespace automed::train
