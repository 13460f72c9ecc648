#include "models/config.h"

#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::models::HeadConfig;
using automed::test::error_of;

const std::string kTiny =
    R"({"image_size":256,"patch_size":16,"embed_dim":128,"depth":4,"heads":4,"window_size":14,"global_blocks":[1,3],)"
    R"("out_channels":64,"adapter":true,"fit":"pad-or-stretch","decoder":{"depth":2,"heads":4,"mlp_dim":256,"iou_hidden":64,)"
    R"("multimask_outputs":3}})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST("config: every named architecture reads back from its own text") {
  for (const std::string& name : automed::models::sam_config_names()) {
    const std::string text = automed::models::sam_config_json(name);
    CHECK(automed::models::to_json(automed::models::parse_sam_config(text)) == text);
  }
  CHECK(automed::models::sam_config_json("tiny") == kTiny);
  CHECK(error_of(ErrorCode::kInvalidArgument, [] { automed::models::sam_config_json("huge"); }).field() ==
        "architecture");
}

TEST("config: a wrong field of a base's architecture is named") {
  struct Row {
    const char *from, *to, *field;
  };
  const std::vector<Row> rows = {{"\"depth\":4", "\"depth\":0", "depth"},
                                 {"\"depth\":4", "\"depth\":4.0", "depth"},
                                 {"\"depth\":4", "\"depth\":\"4\"", "depth"},
                                 {"\"depth\":4,", "", "depth"},
                                 {"\"depth\":4,", "\"depth\":4,\"dept\":4,", "dept"},
                                 {"\"embed_dim\":128", "\"embed_dim\":130", "embed_dim"},
                                 {"\"embed_dim\":128", "\"embed_dim\":999999999", "embed_dim"},
                                 {"\"image_size\":256", "\"image_size\":250", "image_size"},
                                 {"\"image_size\":256", "\"image_size\":240", "image_size"},
                                 {"\"image_size\":256", "\"image_size\":-256", "image_size"},
                                 {"[1,3]", "[3,1]", "global_blocks"},
                                 {"[1,3]", "[1,4]", "global_blocks"},
                                 {"[1,3]", "[1,1]", "global_blocks"},
                                 {"[1,3]", "3", "global_blocks"},
                                 {"\"out_channels\":64", "\"out_channels\":60", "out_channels"},
                                 {"\"adapter\":true", "\"adapter\":1", "adapter"},
                                 {"\"heads\":4,\"mlp_dim\"", "\"heads\":5,\"mlp_dim\"", "decoder.heads"},
                                 {"\"iou_hidden\":64", "\"iou_hidden\":0", "decoder.iou_hidden"},
                                 {"\"iou_hidden\":64", "\"x\":64", "decoder.x"}};
  for (const Row& row : rows) {
    const std::string text = replaced(kTiny, row.from, row.to);
    const auto error = error_of(ErrorCode::kInvalidArgument, [&] { automed::models::parse_sam_config(text); });
    if (error.field() != row.field) throw automed::test::Failure(text + " blames " + error.field().value_or("nothing"));
  }
  for (const char* text : {"", "[]", "null", "{"}) {
    CHECK(error_of(ErrorCode::kInvalidArgument, [&] { automed::models::parse_sam_config(text); }).field() ==
          "architecture");
  }
}

TEST("config: an architecture that asks for all memory is refused") {
  const std::string text =
      replaced(replaced(kTiny, "\"embed_dim\":128", "\"embed_dim\":8192"), "\"depth\":4", "\"depth\":128");
  error_of(ErrorCode::kInvalidArgument, [&] { automed::models::parse_sam_config(text); });
}

TEST("config: heads read back, and their wrong fields are named") {
  for (const char* text :
       {R"({"kind":"sam-automed","mobilenet":{"width":0.35,"se":"improved"}})",
        R"({"kind":"sam-automed","mobilenet":{"width":0.35,"se":"improved"},"decoder":"frozen"})",
        R"({"kind":"sam-automed","mobilenet":{"width":0.35,"se":"improved"},"structures":3})",
        R"({"kind":"sam-medcls","features":"encoder","classes":4})",
        R"({"kind":"sam-medcls","features":"mobilenet","mobilenet":{"width":1,"se":"plain"},"classes":4})",
        R"({"kind":"autosam","hardnet":{"width":0.35,"block_layers":16,"input_size":256}})",
        R"({"kind":"sam-medcls","mobilenet":{"width":1,"se":"plain"},"attention":false,"classes":4})"}) {
    CHECK(automed::models::to_json(automed::models::parse_head_config(text)) == text);
  }
  struct Row {
    const char *text, *field;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"mobilenet":{"width":1,"se":"plain"}})", "kind"},
           {R"({"kind":"sam","mobilenet":{"width":1,"se":"plain"}})", "kind"},
           {R"({"kind":"sam-automed"})", "mobilenet"},
           {R"({"kind":"sam-automed","mobilenet":{"width":0,"se":"plain"}})", "mobilenet.width"},
           {R"({"kind":"sam-automed","mobilenet":{"width":"1","se":"plain"}})", "mobilenet.width"},
           {R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"best"}})", "mobilenet.se"},
           {R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"plain"},"classes":4})", "classes"},
           {R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"plain"},"structures":0})", "structures"},
           {R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"plain"},"decoder":"other"})", "decoder"},
           {R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"plain"},"decoder":"frozen","structures":2})",
            "structures"},
           {R"({"kind":"sam-medcls","features":"all","classes":3})", "features"},
           {R"({"kind":"sam-medcls","features":"encoder","attention":true,"classes":3})", "attention"},
           {R"({"kind":"autosam"})", "hardnet"},
           {R"({"kind":"autosam","hardnet":{"width":9,"block_layers":16,"input_size":256}})", "hardnet.width"},
           {R"({"kind":"autosam","hardnet":{"width":1,"block_layers":0,"input_size":256}})", "hardnet.block_layers"},
           {R"({"kind":"autosam","hardnet":{"width":1,"block_layers":16,"input_size":250}})", "hardnet.input_size"},
           {R"({"kind":"sam-medcls","mobilenet":{"width":1,"se":"plain"},"attention":true,"classes":1})", "classes"},
           {R"({"kind":"sam-medcls","mobilenet":{"width":1,"se":"plain"},"classes":3})", "attention"}}) {
    CHECK(error_of(ErrorCode::kInvalidArgument, [&] { automed::models::parse_head_config(row.text); }).field() ==
          row.field);
  }
}
