"""Calls a gateway by the Open Inference Protocol, with a client that is generated from its proto: ADDRESS PROTO IMAGE."""

import json
import os
import struct
import sys
import tempfile

import grpc
from grpc_tools import protoc

address, proto, image = sys.argv[1:]
stubs = tempfile.mkdtemp()
folder = os.path.dirname(proto)
if protoc.main(["protoc", f"-I{folder}", f"--python_out={stubs}", f"--grpc_python_out={stubs}", proto]) != 0:
    sys.exit("protoc failed")
sys.path.insert(0, stubs)
import grpc_predict_v2_pb2 as pb  # noqa: E402
import grpc_predict_v2_pb2_grpc as rpc  # noqa: E402

service = rpc.GRPCInferenceServiceStub(grpc.insecure_channel(address))
with open(image, "rb") as file:
    encoded = file.read()


def infer(model, raw, version="", outputs=(), **parameters):
    request = pb.ModelInferRequest(model_name=model, model_version=version, id="7")
    tensor = request.inputs.add(name="image", datatype="BYTES", shape=[1])
    if raw:
        request.raw_input_contents.append(struct.pack("<I", len(encoded)) + encoded)
    else:
        tensor.contents.bytes_contents.append(encoded)
    for name in outputs:
        request.outputs.add(name=name)
    for name, value in parameters.items():
        request.parameters[name].double_param = value
    return service.ModelInfer(request)


def tensors(answer):
    return {
        output.name: {"datatype": output.datatype, "shape": list(output.shape), "data": data.hex()}
        for output, data in zip(answer.outputs, answer.raw_output_contents)
    }


def pixels(model, width, height, shape=None):
    request = pb.ModelInferRequest(model_name=model)
    request.inputs.add(name="image", datatype="UINT8", shape=shape or [height, width, 3])
    request.raw_input_contents.append(bytes(range(256)) * (width * height * 3 // 256))
    return service.ModelInfer(request)


def code(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def named(message, name, version=""):
    return message(name=name, version=version)


ready_before = service.ModelReady(named(pb.ModelReadyRequest, "polyp")).ready
answer = infer("polyp", raw=True, threshold=0.5)
metadata = service.ModelMetadata(named(pb.ModelMetadataRequest, "polyp"))
print(
    json.dumps(
        {
            "live": service.ServerLive(pb.ServerLiveRequest()).live,
            "ready": service.ServerReady(pb.ServerReadyRequest()).ready,
            "server": service.ServerMetadata(pb.ServerMetadataRequest()).name,
            "ready_before": ready_before,
            "ready_after": service.ModelReady(named(pb.ModelReadyRequest, "polyp", "1")).ready,
            "ready_unknown": service.ModelReady(named(pb.ModelReadyRequest, "none")).ready,
            "inputs": [(each.name, each.datatype, list(each.shape)) for each in metadata.inputs],
            "outputs": [(each.name, each.datatype, list(each.shape)) for each in metadata.outputs],
            "versions": list(metadata.versions),
            "id": answer.id,
            "version": answer.model_version,
            "segmentation": tensors(answer),
            "same": tensors(infer("polyp", raw=False, version="1", threshold=0.5)) == tensors(answer),
            "chosen": [each.name for each in infer("polyp", raw=True, outputs=["structures"]).outputs],
            "pixels": list(pixels("polyp", 64, 32).outputs[0].shape),
            "classification": tensors(infer("tumour", raw=True)),
            "wrong_output": code(lambda: infer("polyp", raw=True, outputs=["logits"])),
            "wrong_shape": code(lambda: pixels("polyp", 64, 32, [64 * 32 * 3])),
            "wrong_size": code(lambda: pixels("polyp", 64, 32, [64, 64, 3])),
            "wrong_model": code(lambda: infer("none", raw=True)),
            "no_model": code(lambda: infer("", raw=True)),
        }
    )
)
