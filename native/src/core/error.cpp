#include "core/error.h"

namespace automed {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kShapeMismatch:
      return "SHAPE_MISMATCH";
    case ErrorCode::kUnsupportedImage:
      return "UNSUPPORTED_IMAGE";
    case ErrorCode::kWrongTask:
      return "WRONG_TASK";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    case ErrorCode::kEmbeddingNotResident:
      return "EMBEDDING_NOT_RESIDENT";
    case ErrorCode::kIllegalState:
      return "ILLEGAL_STATE";
    case ErrorCode::kCheckpointMismatch:
      return "CHECKPOINT_MISMATCH";
    case ErrorCode::kCheckpointCorrupt:
      return "CHECKPOINT_CORRUPT";
    case ErrorCode::kNonFiniteOutput:
      return "NON_FINITE_OUTPUT";
    case ErrorCode::kQueueFull:
      return "QUEUE_FULL";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case ErrorCode::kStorageFull:
      return "STORAGE_FULL";
    case ErrorCode::kDeviceUnavailable:
      return "DEVICE_UNAVAILABLE";
    case ErrorCode::kCancelled:
      return "CANCELLED";
    case ErrorCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

}  // namespace automed
