#include "core/device.h"

#include "support/native_test.h"

using automed::ErrorCode;
using automed::test::error_of;

TEST("device: reads cpu and auto") {
  CHECK(automed::parse_device("cpu").is_cpu());
  CHECK(automed::parse_device("auto").is_cuda() == torch::cuda::is_available());
}

TEST("device: an absent CUDA device is unavailable") {
  error_of(ErrorCode::kDeviceUnavailable, [] { automed::parse_device("cuda:100"); });
  if (!torch::cuda::is_available()) {
    error_of(ErrorCode::kDeviceUnavailable, [] { automed::parse_device("cuda"); });
  }
}

TEST("device: nonsense is an invalid argument of the field device") {
  for (const char* text : {"", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda: 1",
                           "cuda:99999999999999999999", "auto "}) {
    const auto error = error_of(ErrorCode::kInvalidArgument, [&] { automed::parse_device(text); });
    CHECK(error.field() == "device");
  }
}

TEST("device: precisions read back, float16 is for CUDA only") {
  const torch::Device cpu(torch::kCPU), cuda(torch::kCUDA);
  for (const char* text : {"float32", "bfloat16"}) {
    CHECK(automed::precision_name(automed::parse_precision(text, cpu)) == text);
  }
  CHECK(automed::parse_precision("float16", cuda) == torch::kFloat16);
  CHECK(error_of(ErrorCode::kInvalidArgument, [&] { automed::parse_precision("float16", cpu); }).field() ==
        "precision");
  error_of(ErrorCode::kInvalidArgument, [&] { automed::parse_precision("int8", cpu); });
}
