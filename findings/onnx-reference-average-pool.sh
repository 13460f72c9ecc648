#!/usr/bin/env bash
# The reference evaluator of onnx 1.23.1 (pip) shifts every window of AveragePool where ceil_mode adds a window at the end: it
# gives half of the missing samples to the front, as padding that the model does not ask for. Valid input: 0 to 6, windows of 3
# by steps of 3, ceil_mode 1, no padding, operator set 22. Seen: 0.5, 3, 5, without an error; onnxruntime 1.30.0 and the definition give
# 1, 4, 6. MaxPool of the same evaluator is right, and so is AveragePool on 0 to 8. Fails when that changes. A model compared
# with the reference alone is so blamed for a fault of the reference. Automed neither reads nor writes ONNX.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" onnx==1.23.1 onnxruntime==1.30.0
cat >"$folder/run.py" <<'PY'
import sys
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator


def both(operator, length):
    node = helper.make_node(operator, ["x"], ["y"], kernel_shape=[3], strides=[3], ceil_mode=1)
    shapes = {"x": [1, 1, length], "y": [1, 1, 3]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    opset = [helper.make_opsetid("", 22)]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=opset, ir_version=10)
    checker.check_model(model)
    feed = {"x": np.arange(length, dtype=np.float32).reshape(1, 1, length)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = ReferenceEvaluator(model).run(None, feed)[0].ravel().tolist(), session.run(None, feed)[0].ravel().tolist()
    print(f"{operator} of 0 to {length - 1}: reference {found[0]}, onnxruntime {found[1]}")
    return found


odd, maximum, whole = both("AveragePool", 7), both("MaxPool", 7), both("AveragePool", 9)
same = maximum[0] == maximum[1] == [2, 5, 6] and whole[0] == whole[1] == [1, 4, 7]
sys.exit(0 if same and odd == ([0.5, 3, 5], [1, 4, 6]) else 1)
PY
PYTHONPATH="$folder" python3 "$folder/run.py"
