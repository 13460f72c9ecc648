// The one import of dcmjs-dimse. At its default level it prints hundreds of lines for each association, and its parser prints
// values of elements, names of patients among them: both are silenced here, before anything uses them.

import { createRequire } from 'node:module';
import * as dimse from 'dcmjs-dimse';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION } from '../dicom-results';

const parser = createRequire(require.resolve('dcmjs-dimse'))('dcmjs') as { log: { setLevel(level: string): void } };
parser.log.setLevel('silent');
dimse.log.setLevel('silent');
dimse.Implementation.setImplementationClassUid(IMPLEMENTATION_CLASS_UID);
dimse.Implementation.setImplementationVersion(IMPLEMENTATION_VERSION);

export const { Client, Dataset, Scp } = dimse;
export const { Association: AssociationClass } = dimse.association;
export const { CEchoRequest, CFindRequest, CGetRequest, CMoveRequest, CStoreRequest } = dimse.requests;
export const { NActionRequest, NEventReportRequest } = dimse.requests;
export const { CEchoResponse, CStoreResponse, NActionResponse, NEventReportResponse } = dimse.responses;
export const { PresentationContextResult, RejectReason, RejectResult, RejectSource } = dimse.constants;

export type Association = dimse.association.Association;
export type PresentationContext = dimse.association.PresentationContext;

type Methods = InstanceType<typeof dimse.Scp>;
export type EchoArguments = Parameters<Methods['cEchoRequest']>;
export type ActionArguments = Parameters<Methods['nActionRequest']>;
export type EventArguments = Parameters<Methods['nEventReportRequest']>;
export type StoreArguments = Parameters<Methods['cStoreRequest']>;
export type StreamOf = Methods['createStoreWritableStream'];
