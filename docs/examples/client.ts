// Segments an image through the gateway.
//
//   node client.js IMAGE MODEL [ADDRESS]
//
// Prints for each structure its name and its size in pixels, and writes its mask as STRUCTURE.png.

import { readFileSync, writeFileSync } from 'node:fs';
import { credentials, loadPackageDefinition, status, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { SegmentResponse__Output } from './stubs/automed/segmentation/v1/SegmentResponse';
import type { ProtoGrpcType } from './stubs/segmentation_service';

const [image = '', model = '', address = '127.0.0.1:50051'] = process.argv.slice(2);

// The options with which the stubs were generated.
const definition = loadSync('automed/segmentation/v1/segmentation_service.proto', {
  includeDirs: ['proto'],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { SegmentationService } = (loadPackageDefinition(definition) as unknown as ProtoGrpcType).automed.segmentation.v1;
const client = new SegmentationService(address, credentials.createInsecure());

function segment(): Promise<SegmentResponse__Output> {
  const request = { model, image: { encoded: readFileSync(image) } };
  return new Promise((resolve, reject) =>
    client.segment(request, { deadline: Date.now() + 60_000 }, (error: ServiceError | null, answer) =>
      answer ? resolve(answer) : reject(error ?? new Error('no answer')),
    ),
  );
}

segment().then(
  (answer) => {
    console.log(`${answer.model?.name}@${answer.model?.version}, ${answer.timings?.totalMs.toFixed(0)} ms`);
    for (const { structure, areaPx, png } of answer.masks) {
      console.log(structure, areaPx);
      if (png) writeFileSync(`${structure}.png`, png);
    }
    client.close();
  },
  (error: ServiceError) => {
    console.error(`${status[error.code]}: ${error.details}`);
    process.exitCode = 1;
    client.close();
  },
);
