import { FileDescriptorProto, type IFileDescriptorProto } from 'protobufjs/ext/descriptor';
import { protoRoot, serviceNames } from '../../../../../services/common/grpc/proto';
import { compiledDescriptors, Descriptors } from '../../../../../services/common/grpc/reflection';

const descriptors = new Descriptors(compiledDescriptors(protoRoot()));
const decoded = (name: string | undefined): IFileDescriptorProto[] =>
  (descriptors.withImports(name) ?? []).map(
    (bytes) => FileDescriptorProto.decode(bytes) as unknown as IFileDescriptorProto,
  );

test.each(serviceNames())('reflection describes %s with every file that it imports', (service) => {
  const files = decoded(descriptors.fileOf(service));
  const names = files.map(({ name }) => name);
  for (const { dependency } of files) for (const each of dependency ?? []) expect(names).toContain(each);
  expect(files[0]?.service?.map(({ name }) => `${files[0]?.package}.${name}`)).toEqual([service]);
});

test('reflection keeps field names as the protos spell them', () => {
  const file = decoded(descriptors.fileOf('automed.segmentation.v1.SegmentRequest'))[0];
  const message = file?.messageType?.find(({ name }) => name === 'SegmentRequest');
  expect(message?.field?.map(({ name }) => name)).toContain('mask_format');
});

test('reflection finds methods, messages and enums, and nothing else', () => {
  const file = 'automed/segmentation/v1/segmentation_service.proto';
  expect(descriptors.fileOf('automed.segmentation.v1.SegmentationService.Segment')).toBe(file);
  expect(descriptors.fileOf('automed.common.v1.MaskFormat')).toBe('automed/common/v1/mask.proto');
  expect(descriptors.fileOf('automed.Nothing')).toBeUndefined();
  expect(descriptors.withImports('nothing.proto')).toBeUndefined();
});
