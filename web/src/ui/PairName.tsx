import { t } from "../i18n";
import type { PairName as Pair } from "../protocol.gen";
import { shortAddress } from "./format";

/** PairName names the pair that carries a connection, a's end first. */
export function PairName({ pair }: { pair: Pair }) {
  return (
    <>
      <span title={pair.local}>{shown(pair.local)}</span>
      <span aria-hidden="true">⇄</span>
      <span title={pair.remote}>{shown(pair.remote)}</span>
    </>
  );
}

/** shown says in words what the report writes as "?": the browser tells no address. */
function shown(address: string): string {
  return shortAddress(address).replace(/^\?:/, `${t("candidates.hidden")}:`);
}
