import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ImportBackboneRequest } from '../../../proto/gen/automed/bases/v1/ImportBackboneRequest';
import type { ImportBaseRequest } from '../../../proto/gen/automed/bases/v1/ImportBaseRequest';
import type { ImportReport__Output } from '../../../proto/gen/automed/bases/v1/ImportReport';
import { isLoopback } from '../../common/address';
import { CheckpointError } from '../../common/errors';
import { BASE_ARCHITECTURES, channelsSchema, fitSchema, resizeSchema, type InputRule } from '../../store';
import { BACKBONE_KINDS, CHANNELS, FITS, INTERPOLATIONS } from '../../worker/protocol/base-words';
import { SQUEEZE_EXCITATIONS } from '../../worker/protocol/training-spec-message';
import { CliError, UsageError } from '../program/errors';
import { printJson, printLine, printNote } from '../../terminal/print';
import { byteSize } from '../../terminal/table';
import { withTraining, type ConnectOptions } from '../program/session';
import { pathForService } from '../training/run';
import { connected, examples, newName, whole } from './options';

interface ImportOptions extends ConnectOptions {
  arch?: string;
  mobilenet?: string;
  hardnet?: string;
  se: 'improved' | 'plain';
  seed: number;
  name?: string;
  imageSize?: number;
  fit?: InputRule['fit'];
  channels?: NonNullable<InputRule['channels']>;
  resize?: NonNullable<InputRule['resize']>;
  newAdapters?: boolean;
  licence?: string;
  json?: boolean;
}

const FORMATS = `
FILE is what Python's torch.save writes, in the zip format or the one of PyTorch before 1.6, or safetensors; its content
decides, not its name. It may be the state dict itself or hold it under "model", "state_dict" or "model_state_dict", beside
an optimiser, which is left out. Nothing in the file is executed. Names and shapes must be the architecture's, exactly.

  FILE --arch sam-vit-b, -l, -h   SAM as published: sam_vit_b_01ec64.pth, sam_vit_l_0b3195.pth, sam_vit_h_4b8939.pth
  FILE --arch sam-med2d-vit-b     SAM-Med2D with its adapters: sam-med2d_b.pth
  --mobilenet FILE                torchvision's mobilenet_v3_large-*.pth
  --hardnet FILE                  HarDNet's hardnet85-*.pth

The first two make a base. --image-size makes it for smaller (or larger) images than the file's: the position tables are
interpolated bilinearly, as SAM-Med2D's code does when it starts from SAM. That code then starts the mask tokens and the
decoder's heads anew; here they are kept, because they do not depend on the size.

A base prepares images as its weights know them. SAM scales an image by its longer side, bilinearly, and pads it, in RGB.
SAM-Med2D's weights were trained on BGR (cv2.imread), and its predictor stretches every image by nearest neighbour: the
default of --arch sam-med2d-vit-b. --fit, --channels and --resize say otherwise, as a fair comparison of the two encoders
needs; heads inherit it, except that SAM-AutoMed keeps the paper's bilinear resizing, which pads small images. --new-adapters,
with --arch sam-med2d-vit-b, makes of SAM's file what SAM-Med2D was trained from: its adapters start at random and are left
to train ("automed train base"), and its images are RGB, bilinear, and padded where they are small.

The last two make a backbone: ImageNet weights for the network beside the encoder, SAM-AutoMed's and SAM-MedCls's MobileNet
(of full width) or AutoSAM's HarDNet, which then starts from them: "automed train ... --backbone NAME". The published
MobileNet has plain squeeze-and-excitation blocks. With --se improved, the paper's, everything but these blocks is taken
over, and they are left to train.`;

export function importCommand(): Command {
  const command = connected(new Command('import'))
    .description('make a base, or a backbone for training, from published weights')
    .argument('[file]', 'the published file of a base; needs --arch')
    .addOption(new Option('--arch <name>', 'what the file holds').choices(Object.keys(BASE_ARCHITECTURES)))
    .option('--mobilenet <file>', "make a backbone of torchvision's MobileNetV3-Large")
    .option('--hardnet <file>', 'make a backbone of HarDNet-85')
    .option(
      '--name <name>',
      "of what is made (default: the architecture's, with the image size when one is given)",
      newName,
    )
    .option('--image-size <pixels>', 'edge of the images that the base will see, a multiple of 16', imageSizeOf)
    .addOption(
      new Option('--se <kind>', 'with --mobilenet: squeeze-and-excitation blocks of the head it is for')
        .choices(['improved', 'plain'])
        .default('improved'),
    )
    .addOption(
      new Option('--fit <kind>', 'how images are brought to that size (default: what the weights know)').choices(
        fitSchema.options,
      ),
    )
    .addOption(
      new Option('--channels <order>', 'of the colours that the base sees (default: what the weights know)').choices(
        channelsSchema.options,
      ),
    )
    .addOption(
      new Option('--resize <kind>', 'interpolation of images (default: what the weights know)').choices(
        resizeSchema.options,
      ),
    )
    .option('--new-adapters', 'the file is SAM without adapters: they start at random')
    .option('--seed <number>', 'of adapters and blocks that are left to train', whole(0), 0)
    .option('--licence <text>', 'under which the weights are published; recorded with them')
    .option('--json', 'print one JSON document')
    .addHelpText('after', FORMATS)
    .action(importFile);
  return examples(command, [
    'automed bases import sam-med2d_b.pth --arch sam-med2d-vit-b',
    'automed bases import sam_vit_b_01ec64.pth --arch sam-vit-b --image-size 256 --name sam-b-256',
    'automed bases import sam_vit_b_01ec64.pth --arch sam-med2d-vit-b --image-size 256 --new-adapters --name med2d-start',
    'automed bases import --mobilenet mobilenet_v3_large-8738ca79.pth --name imagenet',
  ]);
}

function imageSizeOf(text: string): number {
  const pixels = Number(text);
  if (!/^\d+$/.test(text) || pixels < 16 || pixels > 4096 || pixels % 16 !== 0) {
    throw new InvalidArgumentError('it must be a multiple of 16 from 16 to 4096.');
  }
  return pixels;
}

async function importFile(file: string | undefined, options: ImportOptions): Promise<void> {
  const wanted = wantedOf(file, options);
  const { made, report, home } = await withTraining(
    options,
    async ({ bases }, { address, home: store }) => {
      const path = pathForService(wanted.request.file, address, 'FILE');
      const imported =
        wanted.kind === 'base'
          ? await bases.importBase({ ...wanted.request, file: path })
          : await bases.importBackbone({ ...wanted.request, file: path });
      return { ...imported, home: store };
    },
    { creates: true },
  ).catch(damagedFile);
  const { checksumMatchesName, name } = report.file ?? {};
  if (checksumMatchesName === false) {
    printNote(`the checksum of ${name} is not the one in its name: it is another file, or a damaged one`);
  }
  if (options.json) return printJson({ [wanted.kind]: made, ...reportJson(report) });
  const size = report.imageSize === undefined ? '' : ` (${report.imageSize} px)`;
  printLine(`imported the ${wanted.kind} ${made}${size}${home === undefined ? '' : ` into ${home}`}`);
  for (const line of reportLines(report)) printLine(line);
}

/** The general advice for damaged weights is about the store's own. */
function damagedFile(error: unknown): never {
  if (!(error instanceof CheckpointError) || error.code !== 'CHECKPOINT_CORRUPT') throw error;
  throw new CliError(`${error.message}; download it again, or check where it comes from`);
}

type Wanted = { kind: 'base'; request: BaseRequest } | { kind: 'backbone'; request: BackboneRequest };
type BaseRequest = ImportBaseRequest & { file: string };
type BackboneRequest = ImportBackboneRequest & { file: string };

/** The one thing that is asked for. */
function wantedOf(file: string | undefined, options: ImportOptions): Wanted {
  const { arch, mobilenet, hardnet, se, seed, imageSize, fit, channels, resize } = options;
  const backbone = mobilenet ?? hardnet;
  if ([file, mobilenet, hardnet].filter((source) => source !== undefined).length !== 1) {
    throw new UsageError('give one of FILE with --arch, --mobilenet FILE and --hardnet FILE');
  }
  const common = { seed, licence: options.licence ?? '' };
  if (backbone !== undefined) {
    const ofBase = [arch, imageSize, fit, channels, resize, options.newAdapters].some((option) => option !== undefined);
    if (ofBase)
      throw new UsageError('--arch, --image-size, --fit, --channels, --resize and --new-adapters are for a base');
    const kind = mobilenet === undefined ? 'hardnet-85' : 'mobilenet-v3-large';
    const request = { ...common, name: options.name ?? kind, file: existing(backbone, options) };
    return { kind: 'backbone', request: { ...request, kind: BACKBONE_KINDS[kind], se: SQUEEZE_EXCITATIONS[se] } };
  }
  if (arch === undefined || file === undefined) throw new UsageError('--arch says what the file holds; give it too');
  const name = options.name ?? (imageSize === undefined ? arch : `${arch}-${imageSize}`);
  const request = {
    ...common,
    name,
    file: existing(file, options),
    arch,
    newAdapters: options.newAdapters === true,
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(fit === undefined ? {} : { fit: FITS[fit] }),
    ...(channels === undefined ? {} : { channels: CHANNELS[channels] }),
    ...(resize === undefined ? {} : { resize: INTERPOLATIONS[resize] }),
  };
  return { kind: 'base', request };
}

/** Of this machine a path that is there; of another one it finds out. */
function existing(file: string, { address }: ImportOptions): string {
  if (address !== undefined && !isLoopback(address)) return file;
  if (!existsSync(file)) throw new CliError(`${file} does not exist`);
  return resolve(file);
}

function reportLines({ file, weights, prefix, converted, leftOut, untrained }: ImportReport__Output): string[] {
  const lines = [
    `  file       ${file?.name}: ${byteSize(Number(file?.sizeBytes))}, ${file?.format}, sha256 ${file?.sha256}` +
      (file?.checksumMatchesName === true ? ', as its name says' : ''),
    `  weights    ${weights?.tensorCount} tensors, ${(Number(weights?.parameterCount) / 1e6).toFixed(1)} M parameters, ` +
      `${byteSize(Number(weights?.sizeBytes))}, sha256 ${weights?.sha256}`,
  ];
  if (prefix !== '') lines.push(`  names      without "${prefix}", which stands before them in the file`);
  const [first] = converted;
  if (first) {
    lines.push(
      `  converted  ${converted.length} position tables, e.g. ${first.name} from ${first.from.join(' x ')} ` +
        `to ${first.to.join(' x ')}`,
    );
  }
  if (leftOut.length > 0) {
    const more = leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : '';
    lines.push(`  left out   ${leftOut.slice(0, 5).join(', ')}${more}`);
  }
  if (untrained.length > 0) {
    lines.push(`  to train   ${untrained.length} tensors that the file does not have, e.g. ${untrained[0] ?? ''}`);
  }
  return lines;
}

function reportJson({ file, imageSize, weights, prefix, converted, leftOut, untrained }: ImportReport__Output): object {
  return {
    file: {
      name: file?.name,
      bytes: Number(file?.sizeBytes),
      sha256: file?.sha256,
      format: file?.format,
      checksum_matches_name: file?.checksumMatchesName ?? null,
    },
    image_size: imageSize ?? null,
    weights: {
      tensors: weights?.tensorCount,
      parameters: Number(weights?.parameterCount),
      bytes: Number(weights?.sizeBytes),
      sha256: weights?.sha256,
    },
    prefix,
    converted: converted.map(({ name, from, to }) => ({ name, from: from.map(Number), to: to.map(Number) })),
    left_out: leftOut,
    left_to_train: untrained,
  };
}
