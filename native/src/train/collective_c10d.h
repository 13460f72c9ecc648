#pragma once

#include "train/collective.h"

namespace automed::train {

/// The process group is c10d's, on a TCPStore that rank 0 serves: Gloo's, or NCCL's for a CUDA device in a build with
/// AUTOMED_NCCL. Built only where LibTorch has them (native/cmake/Collectives.cmake). Throws
/// kDeviceUnavailable.
std::unique_ptr<Collective> join_c10d_process_group(const RankOptions& options, torch::Device device);

}  // namespace automed::train
