// getStats to protocol.Sample. Pure: what the browsers differ in is decided here and tested with their recorded answers.
import type { Sample, SampleCandidate, SamplePair, TrialID } from "../protocol.gen";
import { fingerprint } from "./sdp";

/** Stats is one RTCStats dictionary as the browsers really fill it; every member may be missing (facts.md section 4). */
export type Stats = { id: string; type: string } & Record<string, unknown>;

/**
 * toSample keeps of the statistics what the diagnosis reads. counts tells what to say of the counters while there are no pairs to look at: Chromium counts
 * its requests, Firefox does not.
 */
export function toSample(trial: TrialID, atMs: number, stats: Iterable<Stats>, counts: boolean): Sample {
  const local: SampleCandidate[] = [];
  const remote: SampleCandidate[] = [];
  const pairs: SamplePair[] = [];
  const certificates = new Map<string, Stats>();
  let transport: Stats | undefined;
  let selected = ""; // Firefox before 153 has no transport statistics but marks the pair
  for (const s of stats) {
    switch (s.type) {
      case "local-candidate":
        // The own fragment only: the other end's is its own to tell.
        local.push(compact({ ...toCandidate(s), usernameFragment: text(s.usernameFragment) }));
        break;
      case "remote-candidate":
        remote.push(toCandidate(s));
        break;
      case "candidate-pair":
        pairs.push(toPair(s));
        if (s.selected === true) selected = s.id;
        break;
      case "certificate":
        certificates.set(s.id, s);
        break;
      case "transport":
        transport = s;
    }
  }
  const sample: Sample = { trial, atMs, counters: pairs.length ? pairs.some((p) => p.requestsSent !== undefined) : counts };
  if (local.length) sample.local = local;
  if (remote.length) sample.remote = remote;
  if (pairs.length) sample.pairs = pairs;
  const iceState = text(transport?.iceState);
  const dtlsState = text(transport?.dtlsState);
  const selectedPair = text(transport?.selectedCandidatePairId) || selected;
  if (iceState) sample.iceState = iceState;
  if (dtlsState) sample.dtlsState = dtlsState;
  if (selectedPair) sample.selectedPair = selectedPair;
  const shown = (id: unknown) => {
    const c = certificates.get(text(id));
    return fingerprint(text(c?.fingerprintAlgorithm), text(c?.fingerprint));
  };
  const localFingerprint = shown(transport?.localCertificateId);
  const remoteFingerprint = shown(transport?.remoteCertificateId); // Chromium tells it only of a certificate that it accepted
  const dtlsRole = text(transport?.dtlsRole);
  if (localFingerprint) sample.localFingerprint = localFingerprint;
  if (remoteFingerprint) sample.remoteFingerprint = remoteFingerprint;
  if (dtlsRole && dtlsRole !== "unknown") sample.dtlsRole = dtlsRole;
  return sample;
}

function toCandidate(s: Stats): SampleCandidate {
  return compact({
    id: s.id,
    type: text(s.candidateType),
    protocol: text(s.protocol).toLowerCase(),
    address: visible(text(s.address) || text(s.ip)), // ip is the older name
    port: number(s.port),
    priority: number(s.priority),
    foundation: text(s.foundation),
    url: text(s.url),
    relatedAddress: visible(text(s.relatedAddress)),
    relatedPort: number(s.relatedPort),
    tcpType: text(s.tcpType),
    relayProtocol: text(s.relayProtocol),
    networkType: text(s.networkType),
  });
}

function toPair(s: Stats): SamplePair {
  const rtt = number(s.currentRoundTripTime);
  const pair: SamplePair = {
    id: s.id,
    local: text(s.localCandidateId),
    remote: text(s.remoteCandidateId),
    state: s.state === "inprogress" ? "in-progress" : text(s.state), // the older spelling of Firefox
  };
  if (s.nominated === true) pair.nominated = true;
  for (const name of ["requestsSent", "requestsReceived", "responsesSent", "responsesReceived", "bytesSent", "bytesReceived", "packetsSent", "packetsReceived"] as const) {
    const n = number(s[name]);
    if (n !== undefined) pair[name] = n;
  }
  if (rtt !== undefined && s.responsesReceived !== 0) pair.rttMs = round(rtt * 1000); // Firefox says 0 before the first response
  return pair;
}

/** visible is an address, or nothing where the browser put a placeholder: (redacted) of libwebrtc's own obfuscation counts as hidden. */
function visible(address: string): string {
  return /^redacted|\.invalid$|^\(redacted\)$/i.test(address) ? "" : address;
}

/** compact leaves out what Go's omitempty leaves out, apart from type and protocol, which are always there. */
function compact(c: { [K in keyof SampleCandidate]: SampleCandidate[K] | undefined }): SampleCandidate {
  const kept = Object.entries(c).filter(([k, v]) => k === "type" || k === "protocol" || (v !== undefined && v !== "" && v !== 0));
  return Object.fromEntries(kept) as unknown as SampleCandidate;
}

function text(v: unknown): string {
  return typeof v === "string" ? v : "";
}

function number(v: unknown): number | undefined {
  return typeof v === "number" && Number.isFinite(v) ? v : undefined;
}

/** round to the microsecond: more digits are noise, and cost bytes in every sample. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
