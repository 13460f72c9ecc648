#include "parity/record.h"

#include <torch/torch.h>

#include "core/checkpoint.h"
#include "models/sam_medcls.h"

namespace automed::parity {

void record_classification(const Recording& recording) {
  constexpr std::int64_t kImages = 2;
  const auto base = models::parse_sam_config(recording.base);
  models::SamMedCls head(base, models::parse_head_config(recording.head));
  load_strict(*head, SafetensorsFile::open(recording.weights));
  head->eval();
  const torch::NoGradGuard guard;
  torch::manual_seed(1);
  const auto& encoder = base.encoder;
  const auto image = torch::randn({kImages, 3, encoder.image_size, encoder.image_size});
  const auto embedding = torch::randn({kImages, encoder.out_channels, encoder.grid(), encoder.grid()});
  save_safetensors(recording.out,
                   {{"image", image}, {"embedding", embedding}, {"logits", head->forward(image, embedding)}});
}

}  // namespace automed::parity
