#include "nn/window_attention.h"

#include <cmath>
#include <map>

#include "support/native_test.h"

namespace {

using automed::nn::WindowAttention;

constexpr std::int64_t kWidth = 24;
constexpr std::int64_t kHeads = 3;

/// The published computation, step by step: pad with zeros, cut into windows, attend, put together, cut off the
/// padding.
torch::Tensor padded_reference(WindowAttention& module, const torch::Tensor& x, std::int64_t window) {
  std::map<std::string, torch::Tensor> p;
  for (const auto& item : module->named_parameters()) p[item.key()] = item.value();
  const std::int64_t b = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3), d = c / kHeads;
  const std::int64_t wh = window > 0 ? window : h, ww = window > 0 ? window : w;
  const std::int64_t ph = (wh - h % wh) % wh, pw = (ww - w % ww) % ww;
  const torch::Tensor padded = torch::constant_pad_nd(x, {0, 0, 0, pw, 0, ph});
  const std::int64_t down = (h + ph) / wh, across = (w + pw) / ww;
  const torch::Tensor windows =
      padded.view({b, down, wh, across, ww, c}).permute({0, 1, 3, 2, 4, 5}).reshape({-1, wh * ww, c});
  const std::int64_t n = windows.size(0);
  const torch::Tensor qkv = torch::linear(windows, p["qkv.weight"], p["qkv.bias"])
                                .reshape({n, wh * ww, 3, kHeads, d})
                                .permute({2, 0, 3, 1, 4})
                                .reshape({3, n * kHeads, wh * ww, d});
  const torch::Tensor q = qkv[0], k = qkv[1], v = qkv[2];
  torch::Tensor scores = torch::matmul(q / std::sqrt(static_cast<double>(d)), k.transpose(1, 2));
  const auto table = [](const torch::Tensor& rel, std::int64_t size) {
    const torch::Tensor at = torch::arange(size);
    return rel.index({at.unsqueeze(1) - at.unsqueeze(0) + (size - 1)});
  };
  const torch::Tensor grid_q = q.view({n * kHeads, wh, ww, d});
  const torch::Tensor rows = torch::einsum("bhwc,hkc->bhwk", {grid_q, table(p["rel_pos_h"], wh)});
  const torch::Tensor columns = torch::einsum("bhwc,wkc->bhwk", {grid_q, table(p["rel_pos_w"], ww)});
  scores = (scores.view({n * kHeads, wh, ww, wh, ww}) + rows.unsqueeze(-1) + columns.unsqueeze(-2))
               .view({n * kHeads, wh * ww, wh * ww});
  const torch::Tensor out = torch::matmul(scores.softmax(-1), v)
                                .view({n, kHeads, wh, ww, d})
                                .permute({0, 2, 3, 1, 4})
                                .reshape({n, wh, ww, c});
  const torch::Tensor whole =
      out.view({b, down, across, wh, ww, c}).permute({0, 1, 3, 2, 4, 5}).reshape({b, h + ph, w + pw, c});
  return torch::linear(whole.slice(1, 0, h).slice(2, 0, w), p["proj.weight"], p["proj.bias"]);
}

WindowAttention random_module(std::int64_t window, std::int64_t grid) {
  WindowAttention module(kWidth, kHeads, window, grid);
  torch::NoGradGuard no_grad;
  for (auto& parameter : module->parameters()) parameter.normal_(0, 0.3);
  return module;
}

/// Values and all gradients of both ways agree.
void compare(std::int64_t height, std::int64_t width, std::int64_t window) {
  WindowAttention module = random_module(window, std::max(height, width));
  const torch::Tensor x = torch::randn({2, height, width, kWidth});
  const torch::Tensor weight = torch::randn({2, height, width, kWidth});
  const auto run = [&](auto&& function) {
    module->zero_grad();
    const torch::Tensor leaf = x.clone().requires_grad_();
    const torch::Tensor y = function(leaf);
    (y * weight).sum().backward();
    std::map<std::string, torch::Tensor> results = {{"y", y.detach()}, {"dx", leaf.grad()}};
    for (const auto& item : module->named_parameters()) results[item.key()] = item.value().grad().clone();
    return results;
  };
  const auto expected = run([&](const torch::Tensor& input) { return padded_reference(module, input, window); });
  const auto actual = run([&](const torch::Tensor& input) { return module->forward(input); });
  for (const auto& [name, value] : expected) {
    const double scale = std::max(1.0, value.abs().max().item<double>());
    if (!(automed::test::max_difference(value, actual.at(name)) < 1e-5 * scale)) {
      throw automed::test::Failure(name + " differs by " +
                                   std::to_string(automed::test::max_difference(value, actual.at(name))));
    }
  }
}

}  // namespace

TEST("window attention: skipping the padding equals padding, gradients included (16 x 16 tokens, window 14)") {
  compare(16, 16, 14);
}

TEST("window attention: skipping the padding equals padding on other grids") {
  compare(14, 14, 14);  // no padding at all
  compare(32, 32, 14);  // whole windows and cut ones
  compare(5, 9, 4);     // not square
  compare(3, 3, 7);     // one window, larger than the grid
  compare(8, 9, 4);     // padding in one direction
}

TEST("window attention: global attention equals the reference") {
  compare(6, 6, 0);
}

TEST("window attention: the gradient of the qkv bias includes what padded tokens contribute") {
  WindowAttention module = random_module(4, 5);
  const torch::Tensor x = torch::randn({1, 5, 5, kWidth});
  module->forward(x).sum().backward();
  const torch::Tensor gradient = module->named_parameters()["qkv.bias"].grad();
  // By finite differences, in the value part of the bias (25 real and 39 padded tokens).
  torch::NoGradGuard no_grad;
  torch::Tensor bias = module->named_parameters()["qkv.bias"];
  constexpr double kStep = 1e-2;
  for (const std::int64_t i : {kWidth + 3, 2 * kWidth + 5, 3 * kWidth - 1}) {
    const float value = bias[i].item<float>();
    bias[i] = value + kStep;
    const double up = module->forward(x).to(torch::kFloat64).sum().item<double>();
    bias[i] = value - kStep;
    const double down = module->forward(x).to(torch::kFloat64).sum().item<double>();
    bias[i] = value;
    CHECK(std::abs((up - down) / (2 * kStep) - gradient[i].item<double>()) <
          2e-2 * std::max(1.0, std::abs(gradient[i].item<double>())));
  }
}

TEST("window attention: large scores are computed in pieces with the same result") {
  WindowAttention module(kWidth, kHeads, 0, 72);
  torch::Tensor x = torch::randn({1, 72, 72, kWidth});  // 3 x 5184 x 5184 scores
  const torch::Tensor whole = module->forward(x).detach();
  torch::NoGradGuard no_grad;
  CHECK(automed::test::max_difference(whole, module->forward(x)) < 1e-5);
}

TEST("window attention without gradients: the position bias folded into queries and keys gives the reference") {
  constexpr std::int64_t kWide = 32 * kHeads;
  const std::vector<std::vector<std::int64_t>> cases = {
      {16, 16, 14}, {14, 14, 14}, {32, 32, 14}, {48, 48, 14}, {5, 9, 4}, {3, 3, 7}, {8, 9, 4}, {6, 6, 0}, {16, 16, 0}};
  for (const auto& sizes : cases) {
    WindowAttention module(kWide, kHeads, sizes[2], std::max(sizes[0], sizes[1]));
    const torch::NoGradGuard no_grad;
    for (auto& parameter : module->parameters()) parameter.normal_(0, 0.2);
    const torch::Tensor x = torch::randn({2, sizes[0], sizes[1], kWide});
    const torch::Tensor expected = padded_reference(module, x, sizes[2]);
    const double scale = std::max(1.0, expected.abs().max().item<double>());
    CHECK(automed::test::max_difference(expected, module->forward(x)) < 1e-5 * scale);
  }
}
