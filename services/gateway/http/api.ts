import { createFileRegistry, fromBinary, type DescMethod } from '@bufbuild/protobuf';
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

/** The methods of these services that take one request. Streams of requests need gRPC. */
export function httpMethods(services: readonly string[]): HttpMethod[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compiledDescriptors(protoRoot())));
  return services.flatMap((service) =>
    (registry.getService(service)?.methods ?? [])
      .filter(({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming')
      .map((descriptor) => ({
        path: `/v1/${service}/${descriptor.name}`,
        grpcPath: `/${service}/${descriptor.name}`,
        streams: descriptor.methodKind === 'server_streaming',
        descriptor,
      })),
  );
}
