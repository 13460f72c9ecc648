import {
  createFileRegistry,
  fromBinary,
  getOption,
  type DescExtension,
  type DescMethod,
  type Message,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { compiledDescriptors } from '../../common/grpc/reflection';
import { protoRoot } from '../../common/grpc/proto';

/** A method that HTTP offers: one request, one answer or a stream of them. */
export interface HttpMethod {
  /** `/v1/automed.segmentation.v1.SegmentationService/Segment` */
  path: string;
  /** `/automed.segmentation.v1.SegmentationService/Segment` */
  grpcPath: string;
  streams: boolean;
  descriptor: DescMethod;
}

/** google.api.HttpRule, as far as the protos use it. */
interface HttpRule extends Message {
  pattern: { case: string; value: unknown };
  body: string;
}

/** The methods of these services that take one request, where the protos put them. Streams of requests need gRPC. */
export function httpMethods(services: readonly string[]): HttpMethod[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compiledDescriptors(protoRoot())));
  const http = registry.getExtension('google.api.http');
  if (!http) throw new Error('the compiled protos lack google.api.http');
  return services.flatMap((service) =>
    (registry.getService(service)?.methods ?? [])
      .filter(({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming')
      .map((descriptor) => ({
        path: pathOf(descriptor, http),
        grpcPath: `/${service}/${descriptor.name}`,
        streams: descriptor.methodKind === 'server_streaming',
        descriptor,
      })),
  );
}

/** Where HTTP has a method, whose request is the whole body. */
function pathOf(method: DescMethod, http: DescExtension): string {
  const { pattern, body } = getOption(method, http) as HttpRule;
  if (pattern.case === 'post' && typeof pattern.value === 'string' && body === '*') return pattern.value;
  throw new Error(
    `${method.parent.typeName}/${method.name} needs google.api.http with a path to POST its whole request to`,
  );
}
