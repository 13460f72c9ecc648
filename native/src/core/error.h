#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace automed {

/// Every way in which this library fails on purpose. native/lib/errors.ts spells the same list, and
/// proto/README.md maps it to gRPC statuses.
enum class ErrorCode {
  kInvalidArgument,
  kShapeMismatch,
  kUnsupportedImage,
  kWrongTask,
  kNotFound,
  kEmbeddingNotResident,
  kIllegalState,
  kCheckpointMismatch,
  kCheckpointCorrupt,
  kNonFiniteOutput,
  kQueueFull,
  kOutOfMemory,
  kStorageFull,
  kDeviceUnavailable,
  kCancelled,
  kDeadlineExceeded,
  kInternal,
};

/// Spelling on the JavaScript side, e.g. `CHECKPOINT_CORRUPT`.
std::string_view name_of(ErrorCode code);

/// The one exception type that crosses module boundaries.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  /// `field`: the argument at fault, as the caller names it.
  Error(ErrorCode code, std::string message, std::string field)
      : code_(code), message_(std::move(message)), field_(std::move(field)) {}
  /// `retry_after_ms`: when trying again makes sense.
  Error(ErrorCode code, std::string message, std::int64_t retry_after_ms)
      : code_(code), message_(std::move(message)), retry_after_ms_(retry_after_ms) {}

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorCode code() const noexcept { return code_; }
  const std::optional<std::string>& field() const noexcept { return field_; }
  std::optional<std::int64_t> retry_after_ms() const noexcept { return retry_after_ms_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::optional<std::string> field_;
  std::optional<std::int64_t> retry_after_ms_;
};

}  // namespace automed
