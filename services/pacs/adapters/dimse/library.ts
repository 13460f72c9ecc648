// The one import of dcmjs-dimse. At its default level it prints hundreds of lines for each association, and its parser prints
// values of elements, names of patients among them: both are silenced here, before anything uses them.

import { createRequire } from 'node:module';
import * as dimse from 'dcmjs-dimse';

/** 2.25 and a random UUID as an integer, given once to this implementation (PS3.5 B.2). */
export const IMPLEMENTATION_CLASS_UID = '2.25.209143879216470825614330183416542916487';
export const IMPLEMENTATION_VERSION = 'AUTOMED_1';

const parser = createRequire(require.resolve('dcmjs-dimse'))('dcmjs') as { log: { setLevel(level: string): void } };
parser.log.setLevel('silent');
dimse.log.setLevel('silent');
dimse.Implementation.setImplementationClassUid(IMPLEMENTATION_CLASS_UID);
dimse.Implementation.setImplementationVersion(IMPLEMENTATION_VERSION);

export const { Client, Dataset, Scp } = dimse;
export const { Association: AssociationClass } = dimse.association;
export const { CEchoRequest, CStoreRequest } = dimse.requests;
export const { CEchoResponse, CStoreResponse } = dimse.responses;
export const { PresentationContextResult, RejectReason, RejectResult, RejectSource } = dimse.constants;

export type Association = dimse.association.Association;
export type PresentationContext = dimse.association.PresentationContext;

type Methods = InstanceType<typeof dimse.Scp>;
export type EchoArguments = Parameters<Methods['cEchoRequest']>;
export type StoreArguments = Parameters<Methods['cStoreRequest']>;
export type StreamOf = Methods['createStoreWritableStream'];
