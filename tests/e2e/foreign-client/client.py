"""A client that knows nothing but an address: it learns the API by reflection, as a foreign service would.

usage: client.py ADDRESS MODEL IMAGE THRESHOLD
prints one JSON line: the services, and the mask of the image in each format
"""

import base64
import json
import sys

import grpc
from google.protobuf.message_factory import GetMessageClass

from reflection import Reflection

SEGMENTATION = "automed.segmentation.v1.SegmentationService"


def main() -> None:
    address, model, path, threshold = sys.argv[1:]
    channel = grpc.insecure_channel(address)
    reflection = Reflection(channel)
    services = reflection.services()
    method = reflection.find_service(SEGMENTATION).methods_by_name["Segment"]
    request_class = GetMessageClass(method.input_type)
    segment = channel.unary_unary(
        f"/{SEGMENTATION}/Segment",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    with open(path, "rb") as file:
        encoded = file.read()

    def mask(mask_format: int):
        request = request_class(model=model, threshold=float(threshold), mask_format=mask_format)
        request.image.encoded = encoded
        return segment(request, timeout=60)

    png = mask(1)
    try:
        request = request_class(model="nobody")
        request.image.encoded = encoded
        segment(request, timeout=60)
        refused = None
    except grpc.RpcError as error:
        refused = error.code().name
    print(
        json.dumps(
            {
                "services": services,
                "png": base64.b64encode(png.masks[0].png).decode(),
                "coco_rle": mask(2).masks[0].coco_rle,
                "packed_bits": base64.b64encode(mask(3).masks[0].packed_bits).decode(),
                "area_px": png.masks[0].area_px,
                "model": f"{png.model.name}@{png.model.version}",
                "unknown_model": refused,
            }
        )
    )


main()
