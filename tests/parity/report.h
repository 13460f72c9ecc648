#pragma once

#include <torch/torch.h>

#include <string>

namespace automed::parity {

/// What a row may differ from its fixture. A value of 0 for `relative` means that only the absolute difference counts.
struct Tolerance {
  double absolute;
  double relative;
};

// The fixtures are float32 results of another build of the same library: sums run in another order, so the last bits
// differ and the difference grows with depth. The bounds are those that the fixtures' own description gives.

/// What is computed value by value: a rounding of float32 at magnitude 256.
inline constexpr Tolerance kExact = {5e-5, 0};
/// Quarter-width models of a few blocks.
inline constexpr Tolerance kSmall = {1e-4, 0};
/// Full-size embeddings and features (magnitude about 4), after up to fifty layers.
inline constexpr Tolerance kFeatures = {1e-3, 1e-4};
/// HarDNet-85 with weights from a hash, compared with float64. Its 85 convolutions multiply the rounding of the first
/// by thousands: the fixture and every float32 result of ours are up to 2.5e-4 from float64 in tap 4, each at another
/// place. Nearly all of it is the float32 sums of the convolutions: with them alone in float64, 3.6e-5 is left.
/// The largest difference of one value seen is 1.2e-3.
inline constexpr Tolerance kDeepFeatures = {2e-3, 4e-4};
/// Full-size mask and class logits, after encoder and decoder.
inline constexpr Tolerance kLogits = {2e-3, 1e-4};

/// How many tolerances an output must at least move when its input is zeroed. Below that a block that ignored its input
/// would pass, and the fixture would prove nothing.
inline constexpr double kLeastMovement = 10;

/// Prints one line per compared output and counts the verdicts.
class Report {
 public:
  void header() const;
  /// `zeroed` is what the same code gives when the input is all zeros.
  void compare(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected,
               Tolerance tolerance, const torch::Tensor& zeroed);
  /// For outputs without an input that could be zeroed; `why` is printed in place of the movement.
  void compare_without_input(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected,
                             Tolerance tolerance, const std::string& why);
  /// A fixture that could not be compared at all.
  void fail(const std::string& block, const std::string& why);

  int passed() const { return passed_; }
  int failed() const { return failed_; }

 private:
  void row(const std::string& block, const torch::Tensor& actual, const torch::Tensor& expected, Tolerance tolerance,
           const std::string& movement, bool moved);

  int passed_ = 0;
  int failed_ = 0;
};

/// Largest absolute difference, in double precision.
double max_difference(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace automed::parity
