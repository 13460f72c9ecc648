import { AutomedError, automedError } from '../../common/errors';

/** Codes of a connection that never came about, or broke. */
const UNREACHABLE =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_PREMATURE_CLOSE)$/;

/** Another region, a method or a header that the store does not have: asking again changes nothing. */
const NEVER_STATUS = new Set([301, 405, 501]);
const NEVER_NAME = new Set(['AuthorizationHeaderMalformed', 'PermanentRedirect', 'NotImplemented']);

interface SdkError {
  name?: string;
  code?: unknown;
  $metadata?: { httpStatusCode?: number };
}

/** HTTP status of an answer; undefined when there was none. */
export function httpStatusOf(error: unknown): number | undefined {
  return (error as SdkError).$metadata?.httpStatusCode;
}

/** Whether an error is the object store's own answer, or that there are no credentials to ask it with. */
export function isOfObjectStore(error: unknown): boolean {
  const { name, $metadata } = (error ?? {}) as SdkError;
  return $metadata !== undefined || name === 'CredentialsProviderError';
}

/**
 * What an error of the AWS SDK means to a caller; errors that are not the object store's pass.
 * @param location `s3://BUCKET/PREFIX`, for the message
 */
export function objectStoreError(error: unknown, location: string, field?: string): unknown {
  if (error instanceof AutomedError) return error;
  const { name, code, $metadata } = error as SdkError;
  const status = httpStatusOf(error);
  const detail = { ...(field === undefined ? {} : { field }), cause: error };
  if (name === 'NoSuchBucket' || status === 404) {
    return automedError('NOT_FOUND', `There is nothing at ${location}.`, detail);
  }
  if ([401, 403].includes(status ?? 0) || name === 'CredentialsProviderError') {
    return automedError('ILLEGAL_STATE', `The object store refuses to show ${location} to this service.`, detail);
  }
  if (NEVER_STATUS.has(status ?? 0) || NEVER_NAME.has(name ?? '')) {
    const text = `The object store of ${location} does not take the request (${status} ${name}): look at AWS_REGION, the endpoint, and whether it has conditional writes.`;
    return automedError('ILLEGAL_STATE', text, detail);
  }
  const broken = typeof code === 'string' && UNREACHABLE.test(code);
  // Whatever else the SDK has given up on has its metadata.
  if ($metadata !== undefined || broken || name === 'TimeoutError') {
    return automedError('SERVICE_UNAVAILABLE', `The object store does not answer for ${location}.`, detail);
  }
  return error;
}
