#include "train/fused_adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

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

struct Adam {
  using Optimizer = torch::optim::Adam;
  using State = torch::optim::AdamParamState;
  using Options = torch::optim::AdamOptions;
  static void step(const Lists& lists, const Options& options) {
    at::_fused_adam_(lists.parameters, lists.gradients, lists.means, lists.squares, {}, lists.steps, options.lr(),
                     std::get<0>(options.betas()), std::get<1>(options.betas()), options.weight_decay(), options.eps(),
                     /*amsgrad=*/false, /*maximize=*/false);
  }
};

struct AdamW {
  using Optimizer = torch::optim::AdamW;
  using State = torch::optim::AdamWParamState;
  using Options = torch::optim::AdamWOptions;
  static void step(const Lists& lists, const Options& options) {
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.means, lists.squares, {}, lists.steps, options.lr(),
                      std::get<0>(options.betas()), std::get<1>(options.betas()), options.weight_decay(), options.eps(),
                      /*amsgrad=*/false, /*maximize=*/false);
  }
};

template <typename Kind>
class Fused final : public Kind::Optimizer {
 public:
  using Kind::Optimizer::Optimizer;

  torch::Tensor step(torch::optim::Optimizer::LossClosure closure = nullptr) override {
    if (closure || !on_cpu()) return Kind::Optimizer::step(std::move(closure));
    const torch::NoGradGuard no_grad;
    for (auto& group : this->param_groups_) {
      Lists lists;
      for (const auto& parameter : group.params()) {
        if (parameter.grad().defined()) add(lists, parameter);
      }
      if (!lists.parameters.empty()) Kind::step(lists, static_cast<typename Kind::Options&>(group.options()));
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
      auto fresh = std::make_unique<typename Kind::State>();
      fresh->step(0);
      fresh->exp_avg(torch::zeros_like(parameter));
      fresh->exp_avg_sq(torch::zeros_like(parameter));
      slot = std::move(fresh);
    }
    auto& state = static_cast<typename Kind::State&>(*slot);
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

template <typename Kind>
std::unique_ptr<torch::optim::Optimizer> make(std::vector<torch::Tensor> parameters, double learning_rate,
                                              double weight_decay) {
  return std::make_unique<Fused<Kind>>(std::move(parameters),
                                       typename Kind::Options(learning_rate).weight_decay(weight_decay));
}

}  // namespace

std::unique_ptr<torch::optim::Optimizer> make_fused_adam(std::vector<torch::Tensor> parameters, double learning_rate,
                                                         double weight_decay, WeightDecay kind) {
  return kind == WeightDecay::kL2 ? make<Adam>(std::move(parameters), learning_rate, weight_decay)
                                  : make<AdamW>(std::move(parameters), learning_rate, weight_decay);
}

}  // namespace automed::train
