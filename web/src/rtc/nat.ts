// The measurement of filtering: an ICE agent to which nobody will connect. The server plays the other end. It sends signed checks to the address that its STUN
// saw, and its answer names its own corners, so that this browser sends checks to them and opens the NAT towards them.
import type { Description, Start } from "../protocol.gen";
import { Agent, trialError, type Outbox } from "./agent";

/** In case no stop frame comes: far longer than a measurement takes, short enough to free the ports. */
const OPEN_MS = 30_000;

/** A NATTrial begins at once. Its statistics say nothing that the server does not see itself, so it sends none. */
export class NATTrial {
  #agent: Agent | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(start: Start, out: Outbox) {
    try {
      this.#agent = new Agent(start.trial, out, start.iceServers ?? [], { silent: true });
      this.#agent.pc.createDataChannel("nat", { negotiated: true, id: 0 });
    } catch (e) {
      this.#agent?.pc.close();
      this.#agent = null;
      out.send({ type: "trialError", trialError: trialError(start.trial, "create", e, true) });
      return;
    }
    this.#timer = setTimeout(() => void this.stop(), OPEN_MS);
    this.#then((agent) => agent.describe("offer"));
  }

  /** description applies the server's answer. */
  description(d: Description, ref: number): void {
    this.#then(async (agent) => {
      await agent.apply(ref, () => agent.pc.setRemoteDescription({ type: d.kind as RTCSdpType, sdp: d.sdp }));
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#agent?.pc.close();
    this.#agent = null;
  }

  /** then keeps the order: an answer may come while the offer is still being set. */
  #then(f: (agent: Agent) => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      const agent = this.#agent;
      if (agent) await f(agent).catch((e: unknown) => agent.failed("offer", e, true));
    });
  }
}
