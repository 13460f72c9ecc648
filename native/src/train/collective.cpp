#include "train/collective.h"

#include "core/error.h"
#include "train/collective_c10d.h"

namespace automed::train {
namespace {

constexpr std::int64_t kMaxWorldSize = 4096;
constexpr std::int64_t kMaxPort = 65535;

void check(const RankOptions& options) {
  if (options.world_size < 1 || options.world_size > kMaxWorldSize) {
    throw Error(ErrorCode::kInvalidArgument, "worldSize must lie in [1, " + std::to_string(kMaxWorldSize) + "]",
                "worldSize");
  }
  if (options.rank < 0 || options.rank >= options.world_size) {
    throw Error(ErrorCode::kInvalidArgument, "rank must lie in [0, " + std::to_string(options.world_size) + ")",
                "rank");
  }
  if (options.master_port < 1 || options.master_port > kMaxPort) {
    throw Error(ErrorCode::kInvalidArgument, "masterPort must lie in [1, 65535]", "masterPort");
  }
}

}  // namespace

bool collectives_compiled() {
#ifdef AUTOMED_GLOO
  return true;
#else
  return false;
#endif
}

std::unique_ptr<Collective> join_process_group(const RankOptions& options, torch::Device device) {
  check(options);
#ifdef AUTOMED_GLOO
  return join_c10d_process_group(options, device);
#else
  (void)device;
  throw Error(ErrorCode::kIllegalState,
              "this build cannot train over several processes: its LibTorch has no c10d with Gloo, or AUTOMED_GLOO is "
              "OFF",
              "worldSize");
#endif
}

}  // namespace automed::train
