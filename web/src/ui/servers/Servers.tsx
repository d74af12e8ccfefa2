import "./Servers.css";
import { signal } from "@preact/signals";
import { t } from "../../i18n";
import type { ICEServer, Needs } from "../../protocol.gen";
import { Code } from "../Code";
import { Copy } from "../Copy";
import { needsSecret } from "../format";
import { Choice } from "../TrialFilter";
import { coturnConf, coturnServers, forms, HOST, hostOf, line, mintCommand, relays, secretCommand, type Coturn, type Form } from "./lines";

const formNames: Record<Form, string> = { javascript: "JavaScript", json: "JSON" };

// What was chosen stays when a new snapshot draws the verdict anew.
const form = signal<Form>("javascript");
const whose = signal<"this" | "coturn">("this");
const coturn = signal<Coturn>({ host: "", nat: false });

/** Servers is the line for new RTCPeerConnection, with this server or with a coturn in its place. */
export function Servers({ needs, servers }: { needs: Needs; servers: readonly ICEServer[] }) {
  const choice = needs !== "nothing"; // nothing to replace
  const mine = !choice || whose.value === "this";
  const list = mine ? servers : coturnServers(needs, coturn.value);
  const text = line(needs, list, form.value);
  return (
    <div class="servers stack" data-testid="servers" data-whose={mine ? "this" : "coturn"}>
      <div class="row tight between">
        {choice && (
          <Choice name="servers" legend={t("servers.whose")} values={["this", "coturn"]} value={whose.value} text={(w) => t(`servers.of.${w}`)} onChange={(w) => (whose.value = w)} />
        )}
        <Choice name="ice" testid="ice" legend={t("servers.form")} values={forms} value={form.value} text={(f) => formNames[f]} onChange={(f) => (form.value = f)} />
        <Copy text={text} testid="copy-ice-servers" />
      </div>
      {!mine && <Fields needs={needs} />}
      <pre class="mono" tabIndex={0} role="region" aria-label={t("verdict.paste")} data-testid="ice-servers">
        {text}
      </pre>
      {mine && needsSecret(servers) && (
        <p class="verdict-secret muted small" data-testid="verdict-secret">
          {t("verdict.secret")}
        </p>
      )}
      {!mine && <Behind needs={needs} />}
      {mine && needsSecret(servers) && <Mint own />}
    </div>
  );
}

function Fields({ needs }: { needs: Needs }) {
  return (
    <div class="servers-fields row small">
      <label class="row tight">
        <span>{t("servers.host")}</span>
        <input
          class="field mono"
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={HOST}
          onInput={(e) => (coturn.value = { ...coturn.value, host: hostOf(e.currentTarget.value) })}
          data-testid="coturn-host"
        />
      </label>
      {relays(needs) && (
        <label class="row tight">
          <input type="checkbox" checked={coturn.value.nat} onChange={(e) => (coturn.value = { ...coturn.value, nat: e.currentTarget.checked })} data-testid="coturn-nat" />
          <span>{t("servers.nat")}</span>
        </label>
      )}
    </div>
  );
}

/** Behind is what must stand on the coturn's side. */
function Behind({ needs }: { needs: Needs }) {
  const conf = coturnConf(needs, coturn.value);
  return (
    <>
      <details open>
        <summary>{t("servers.conf")}</summary>
        <Code text={conf} label="/etc/turnserver.conf" testid="coturn-conf" />
        <p class="muted small">{t(relays(needs) ? "servers.conf.turn" : "servers.conf.stun")}</p>
        {relays(needs) && coturn.value.nat && <p class="muted small">{t("servers.conf.nat")}</p>}
      </details>
      {relays(needs) && <Mint />}
    </>
  );
}

/** Mint is how short-lived credentials are made: by the application's own server, of a secret that it shares with the relay. */
function Mint({ own }: { own?: boolean }) {
  return (
    <details>
      <summary>{t("servers.mint")}</summary>
      <p class="small">{t(own ? "servers.mint.own" : "servers.mint.text")}</p>
      <Code text={mintCommand} label={t("servers.mint")} testid="coturn-mint" />
      {!own && (
        <>
          <p class="small">{t("servers.secret")}</p>
          <Code text={secretCommand} label={t("servers.secret")} testid="coturn-secret" />
        </>
      )}
    </details>
  );
}
