#include "train/batch_norm.h"

namespace automed::train {

BatchNormMeasurement::BatchNormMeasurement(torch::nn::Module& module) {
  module.apply([this](torch::nn::Module& child) {
    if (auto* norm = child.as<torch::nn::BatchNorm2d>()) {
      layers_.push_back({norm, norm->options.momentum(), norm->is_training()});
    }
  });
  for (const auto& layer : layers_) {
    layer.norm->reset_running_stats();
    layer.norm->options.momentum(std::nullopt);  // the mean of all passes
    layer.norm->train();
  }
}

BatchNormMeasurement::~BatchNormMeasurement() {
  for (const auto& layer : layers_) {
    layer.norm->options.momentum(layer.momentum);
    layer.norm->train(layer.training);
  }
}

}  // namespace automed::train
