"""grpc.reflection.v1 by hand, so that grpcio and protobuf are all that the client needs."""

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

FIELD = descriptor_pb2.FieldDescriptorProto
PACKAGE = "foreign"


def _message(file, name, fields):
    message = file.message_type.add(name=name)
    for number, field, kind, repeated in fields:
        added = message.field.add(name=field, number=number)
        added.label = FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
        if kind in (FIELD.TYPE_STRING, FIELD.TYPE_BYTES):
            added.type = kind
        else:
            added.type = FIELD.TYPE_MESSAGE
            added.type_name = f".{PACKAGE}.{kind}"


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="foreign.proto", package=PACKAGE, syntax="proto2")
    text, raw = FIELD.TYPE_STRING, FIELD.TYPE_BYTES
    _message(file, "Request", [(3, "filename", text, False), (4, "symbol", text, False), (7, "list", text, False)])
    _message(file, "Service", [(1, "name", text, False)])
    _message(file, "Services", [(1, "service", "Service", True)])
    _message(file, "Files", [(1, "proto", raw, True)])
    _message(file, "Response", [(4, "files", "Files", False), (6, "services", "Services", False)])
    pool = DescriptorPool()
    pool.Add(file)
    return [GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in ("Request", "Response")]


class Reflection:
    def __init__(self, channel):
        self._request, response = _classes()
        self._call = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        self._pool = DescriptorPool()
        self._known = set()

    def _ask(self, **question):
        return next(self._call(iter([self._request(**question)]), timeout=30))

    def services(self):
        return sorted(service.name for service in self._ask(list="").services.service)

    def find_service(self, name):
        """The descriptor of a service, with every file that it needs."""
        self._add(self._ask(symbol=name).files)
        return self._pool.FindServiceByName(name)

    def _add(self, files):
        protos = [descriptor_pb2.FileDescriptorProto.FromString(raw) for raw in files.proto]
        offered = {proto.name: proto for proto in protos}

        def add(proto):
            if proto.name in self._known:
                return
            self._known.add(proto.name)
            for dependency in proto.dependency:
                if dependency in offered:
                    add(offered[dependency])
                elif dependency not in self._known:
                    self._add(self._ask(filename=dependency).files)
            self._pool.Add(proto)

        for proto in protos:
            add(proto)
