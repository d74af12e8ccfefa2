import { Component, type ComponentChildren, type VNode } from "preact";

/** still draws a component anew only when what it shows has changed: each snapshot is a new object, and most of it says the same. */
export function still<P extends object>(draw: (props: P) => VNode | null, same: (old: P, now: P) => boolean) {
  return class Still extends Component<P> {
    override shouldComponentUpdate(now: Readonly<P & { children?: ComponentChildren }>): boolean {
      return !same(this.props as P, now as P);
    }
    override render() {
      return draw(this.props as P);
    }
  };
}

/** alike compares what came as JSON: two snapshots have the members of one thing in the same order. */
export function alike(x: unknown, y: unknown): boolean {
  return x === y || JSON.stringify(x) === JSON.stringify(y);
}
