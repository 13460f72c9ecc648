"""Segments an image through the gateway.

usage: client.py IMAGE MODEL [ADDRESS]
prints for each structure its name and its size in pixels, and writes its mask as STRUCTURE.png
"""

import sys

import grpc
from automed.segmentation.v1 import segmentation_service_pb2 as pb
from automed.segmentation.v1 import segmentation_service_pb2_grpc as rpc


def main(image: str, model: str, address: str = "127.0.0.1:50051") -> None:
    with open(image, "rb") as file:
        request = pb.SegmentRequest(model=model)
        request.image.encoded = file.read()
    with grpc.insecure_channel(address) as channel:
        try:
            answer = rpc.SegmentationServiceStub(channel).Segment(request, timeout=60)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
    print(f"{answer.model.name}@{answer.model.version}, {answer.timings.total_ms:.0f} ms")
    for mask in answer.masks:
        print(mask.structure, mask.area_px)
        with open(f"{mask.structure}.png", "wb") as file:
            file.write(mask.png)


main(*sys.argv[1:])
