import { call, type CallOptions } from './call';

export interface Replica {
  member: string;
  serving?: string[];
  notServing?: string[];
}

export interface MethodTraffic {
  method: string;
  inFlightCount?: number;
  callCount?: string;
  errorCount?: string;
  meanSeconds?: number;
  p95Seconds?: number;
}

export interface CanaryTraffic {
  model: string;
  callCount?: string;
  fallbackCount?: string;
}

export interface ShadowTraffic {
  model: string;
  outcomes?: { name: string; count?: string }[];
  agreement?: number;
  candidateSeconds?: number;
  currentSeconds?: number;
}

export interface Traffic {
  replicas?: Replica[];
  methods?: MethodTraffic[];
  canaries?: CanaryTraffic[];
  shadows?: ShadowTraffic[];
  ejectionCount?: number;
}

/** What the gateway has counted since its start. */
export const getTraffic = (options: CallOptions): Promise<Traffic> =>
  call('automed.gateway.v1.GatewayService', 'GetTraffic', {}, options);
