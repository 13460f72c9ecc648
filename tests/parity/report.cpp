#include "parity/report.h"

#include <cstdio>
#include <sstream>

namespace automed::parity {
namespace {

torch::Tensor reference_copy(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::TensorOptions().device(torch::kCPU).dtype(torch::kFloat64));
}

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

}  // namespace

double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.numel() == 0) return 0;
  return (reference_copy(a) - reference_copy(b)).abs().max().item<double>();
}

void Report::header() const {
  std::printf("%-46s %12s %12s %12s  %s\n", "block", "max abs diff", "relative L2", "if zeroed", "verdict");
}

void Report::compare(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected,
                     Tolerance tolerance, const torch::Tensor& zeroed) {
  const double movement = zeroed.sizes() == actual.sizes() ? max_difference(actual, zeroed) : 0;
  row(block, actual, expected, tolerance, scientific(movement), movement >= kLeastMovement * tolerance.absolute);
}

void Report::compare_without_input(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected,
                                   Tolerance tolerance, const std::string& why) {
  row(block, actual, expected, tolerance, why, true);
}

void Report::row(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected,
                 Tolerance tolerance, const std::string& movement, bool moved) {
  if (actual.sizes() != expected.sizes()) {
    std::ostringstream why;
    why << "shape " << actual.sizes() << " instead of " << expected.sizes();
    fail(block, why.str());
    return;
  }
  const double difference = max_difference(actual, expected);
  const double norm = reference_copy(expected).norm().item<double>();
  const double error = (reference_copy(actual) - reference_copy(expected)).norm().item<double>();
  const double relative = norm > 0 ? error / norm : error;
  const bool close = difference <= tolerance.absolute && (tolerance.relative == 0 || relative <= tolerance.relative);
  const char* verdict = !close ? "FAILED: differs" : !moved ? "FAILED: does not depend on its input" : "ok";
  std::printf("%-46s %12s %12s %12s  %s\n", block.c_str(), scientific(difference).c_str(), scientific(relative).c_str(),
              movement.c_str(), verdict);
  std::fflush(stdout);
  ++(close && moved ? passed_ : failed_);
}

void Report::fail(const std::string& block, const std::string& why) {
  std::printf("%-46s FAILED: %s\n", block.c_str(), why.c_str());
  std::fflush(stdout);
  ++failed_;
}

}  // namespace automed::parity
