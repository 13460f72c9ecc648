#include "core/compute_alone.h"

#include <ATen/Parallel.h>

// Of the OpenMP runtime and of the MKL that LibTorch brings; neither is there in every build of it.
extern "C" {
[[gnu::weak]] void omp_set_num_threads(int count);
[[gnu::weak]] int MKL_Set_Num_Threads_Local(int count);
}

namespace automed {
namespace {

void set_openmp_threads(int count) {
  if (omp_set_num_threads != nullptr) omp_set_num_threads(count);
}

/// Returns what held before.
int set_mkl_threads(int count) {
  return MKL_Set_Num_Threads_Local == nullptr ? 0 : MKL_Set_Num_Threads_Local(count);
}

}  // namespace

ComputeAlone::ComputeAlone() : threads_(at::get_num_threads()), mkl_threads_(set_mkl_threads(1)) {
  set_openmp_threads(1);
}

ComputeAlone::~ComputeAlone() {
  set_openmp_threads(threads_);
  set_mkl_threads(mkl_threads_);
}

}  // namespace automed
