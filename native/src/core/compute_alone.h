#pragma once

namespace automed {

/// While it lives, the calling thread runs LibTorch's operations by itself, as if it had been given one intra-op
/// thread. For work in many short steps, such as SAM's mask decoder: waking a thread that sleeps takes longer than the
/// half of a step that it would do. `at::set_num_threads` would do it, too, but throws away what oneDNN keeps of
/// earlier operations each time.
class ComputeAlone {
 public:
  ComputeAlone();
  ~ComputeAlone();
  ComputeAlone(const ComputeAlone&) = delete;
  ComputeAlone& operator=(const ComputeAlone&) = delete;

 private:
  int threads_;      ///< of OpenMP, before
  int mkl_threads_;  ///< of MKL, before; 0 where it follows OpenMP
};

}  // namespace automed
