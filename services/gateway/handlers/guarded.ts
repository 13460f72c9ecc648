// What every call that the gateway answers itself goes through before its message is decoded: who calls, and how large it is.

import { status as Code, type handleUnaryCall, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Principal } from '../../access/access';
import { recordOrLog } from '../../access/audit';
import { automedError } from '../../common/errors';
import { unary, type CallContext } from '../../common/grpc/handlers';
import { asAutomedError, GRPC_CODE_OF } from '../../common/grpc/status';
import { requireSize } from './call';
import type { RelayDeps } from './relay';

export type GuardDeps = Pick<RelayDeps, 'access' | 'audit' | 'maxBytes' | 'log'>;

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPeer'>;

/** A method whose messages arrive as bytes, `package.Service/Method`. */
export interface Guarded<Request, Response> {
  method: string;
  /** Whether the caller's roles must allow the method; others become calls that are asked about themselves. */
  authorizes?: boolean;
  decode: (bytes: Buffer) => Request;
  handle: (request: Request, call: Call, context: CallContext) => Promise<Response>;
}

export function guarded<Request, Response>(
  { method, authorizes = false, decode, handle }: Guarded<Request, Response>,
  { access, audit, maxBytes, log }: GuardDeps,
): handleUnaryCall<Buffer, Response> {
  const run = async (bytes: Buffer, call: Call, context: CallContext): Promise<Response> => {
    let principal: Principal | undefined;
    let code = Code.OK;
    try {
      principal = await access?.authenticate(call.metadata.get('authorization')[0]?.toString());
      if (principal) context.setCaller(principal.id);
      if (principal && authorizes) access?.authorize(principal, { method, models: [] });
      requireSize(bytes, maxBytes(method));
      return await handle(decoded(bytes, decode), call, context);
    } catch (error) {
      code = GRPC_CODE_OF[asAutomedError(error).code];
      throw error;
    } finally {
      if (audit?.concerns(Code[code], false)) {
        const { id = 'nobody', roles = [] } = principal ?? {};
        const { requestId } = context;
        const entry = { caller: id, roles, peer: call.getPeer(), method, code: Code[code], requestId, model: '' };
        recordOrLog(audit, entry, log);
      }
    }
  };
  return (call, callback) =>
    unary<Buffer, Response>(log, (bytes, context) => run(bytes, call, context))(call, callback);
}

function decoded<Request>(bytes: Buffer, decode: (bytes: Buffer) => Request): Request {
  try {
    return decode(bytes);
  } catch (error) {
    const text = 'The request cannot be read: its bytes are not the message of this method.';
    throw automedError('INVALID_ARGUMENT', text, { cause: error });
  }
}
