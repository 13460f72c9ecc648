import { fromJson, type DescMessage, type JsonValue, toBinary } from '@bufbuild/protobuf';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { automedError } from '../../common/errors';

/** Messages whose field `image` holds an encoded file take it as a part of a form too. */
const IMAGE = 'automed.common.v1.Image';

/**
 * The serialised request in a body of JSON, or in a form: the part `request` is JSON, each further part a file for the field of
 * its name.
 * @throws InvalidInputError naming the field where the JSON has what the message has not
 */
export async function readRequest(request: FastifyRequest, message: DescMessage): Promise<Uint8Array> {
  const json = request.isMultipart() ? await readForm(request, message) : (request.body ?? {});
  try {
    return toBinary(message, fromJson(message, json as JsonValue));
  } catch (error) {
    const { message: text } = error as Error;
    const field = /^cannot decode (?:field \S+\.(\w+)|message) from JSON/.exec(text)?.[1];
    throw automedError('INVALID_ARGUMENT', `The request cannot be read: ${text}`, { field, cause: error });
  }
}

async function readForm(request: FastifyRequest, message: DescMessage): Promise<JsonValue> {
  let json: Record<string, unknown> = {};
  const files: Record<string, unknown> = {};
  for await (const part of request.parts()) {
    if (part.type === 'file') files[part.fieldname] = await fileField(part, message);
    else if (part.fieldname === 'request') json = parsed(String(part.value));
    else json[part.fieldname] = part.value;
  }
  return { ...json, ...files } as JsonValue;
}

async function fileField(part: MultipartFile, message: DescMessage): Promise<unknown> {
  const field = message.fields.find(({ jsonName }) => jsonName === part.fieldname);
  const encoded = (await part.toBuffer()).toString('base64');
  if (field?.fieldKind === 'message' && field.message.typeName === IMAGE) return { encoded };
  const text = `${message.name} has no image called ${part.fieldname}.`;
  throw automedError('INVALID_ARGUMENT', text, { field: part.fieldname });
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    const sentence = `The part request is no JSON: ${(error as Error).message}`;
    throw automedError('INVALID_ARGUMENT', sentence, { field: 'request', cause: error });
  }
}
