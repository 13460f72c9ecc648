// Every enum of every request of the API, with a number that it does not have.

import { Enum, Root, Type, util } from 'protobufjs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EnumFields } from '../../../../../services/common/grpc/enum-fields';
import { readable, tolerant, wellFormed } from '../../../../../services/common/grpc/handlers';
import { protoRoot, serviceDefinition, serviceNames } from '../../../../../services/common/grpc/proto';
import { compiledDescriptors } from '../../../../../services/common/grpc/reflection';

const enums = new EnumFields(compiledDescriptors(protoRoot()));
const root = apiRoot();

function apiRoot(): Root {
  const all = new Root();
  all.resolvePath = (_origin, target) => (target.startsWith('google/protobuf/') ? target : join(protoRoot(), target));
  const files = readdirSync(join(protoRoot(), 'automed'), { recursive: true, encoding: 'utf8' });
  all.loadSync(files.filter((name) => name.endsWith('.proto')).map((name) => join('automed', name)));
  all.resolveAll();
  return all;
}

interface Hostile {
  field: string;
  message: object;
}

/** A message for each enum below `type`, in which that enum alone is set, to 99; lists have a sound element before. */
function hostile(type: Type): Hostile[] {
  return type.fieldsArray.flatMap((field) => {
    const name = util.camelCase(field.name);
    const found = field.resolvedType;
    const inner: { path: string; value: unknown }[] =
      found instanceof Enum
        ? [{ path: '', value: 99 }]
        : found instanceof Type
          ? hostile(found).map(({ field: path, message }) => ({ path: `.${path}`, value: message }))
          : [];
    const sound = found instanceof Enum ? 0 : {};
    return inner.map(({ path, value }) => ({
      field: `${protoName(field.name)}${field.repeated ? '[1]' : ''}${path}`,
      message: { [name]: field.repeated ? [sound, value] : value },
    }));
  });
}

const protoName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const cases = serviceNames().flatMap((service) => {
  const definition = tolerant(serviceDefinition(service), enums);
  return Object.values(definition).flatMap((method) => {
    const type = root.lookupType(`${service.replace(/\.\w+$/, '')}.${method.path.split('/')[2]}Request`);
    return hostile(type).map(({ field, message }) => [`${method.path} ${field}`, { method, field, message }] as const);
  });
});

test('the API has requests with enums, within messages and lists', () => {
  const names = cases.map(([name]) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      '/automed.training.v1.TrainingJobService/CreateTrainingJob spec.overrides.schedule',
      '/automed.training.v1.TrainingJobService/ListTrainingJobs states[1]',
      '/automed.segmentation.v1.InteractiveSegmentationService/PredictMasks points[1].label',
    ]),
  );
});

test.each(cases)('an unknown number is refused: %s', (_name, { method, field, message }) => {
  const bytes = Buffer.from(method.requestSerialize(message));
  const request: unknown = method.requestDeserialize(bytes);
  expect(() => wellFormed(request)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', field, message: `The number 99 is no value of ${field}.` }),
  );
  expect(readable(request)).toBe(request);
});

test('names that an enum has are passed', () => {
  const { CreateTrainingJob } = tolerant(serviceDefinition('automed.training.v1.TrainingJobService'), enums);
  const spec = { train: 'TRAINED_PART_ENCODER', overrides: { schedule: 'SCHEDULE_STEP' } };
  const request: unknown = CreateTrainingJob!.requestDeserialize(
    Buffer.from(CreateTrainingJob!.requestSerialize({ spec })),
  );
  expect(wellFormed(request)).toMatchObject({ spec });
});
