#include "core/compute_alone.h"

#include <ATen/Parallel.h>

#include <thread>

#include "core/serial_thread.h"
#include "support/native_test.h"

TEST("compute alone: a thread with two LibTorch threads uses one, and two again afterwards") {
  std::thread([] {
    automed::set_intra_op_threads(2);
    CHECK(at::get_num_threads() == 2);
    const auto values = torch::rand({512, 512});
    const auto shared = values.matmul(values);
    {
      const automed::ComputeAlone alone;
      CHECK(at::get_num_threads() == 1);
      CHECK(torch::allclose(values.matmul(values), shared));
      const automed::ComputeAlone nested;
      CHECK(at::get_num_threads() == 1);
    }
    CHECK(at::get_num_threads() == 2);
  }).join();
}
