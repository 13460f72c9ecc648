#include "nn/dropout.h"

namespace automed::nn {

void set_dropout(torch::nn::Module& module, double share) {
  module.apply([share](torch::nn::Module& child) {
    if (auto* dropout = child.as<torch::nn::Dropout>()) dropout->options.p(share);
  });
}

}  // namespace automed::nn
