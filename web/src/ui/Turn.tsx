import { Component, type ComponentChildren } from "preact";
import { giveUp, takeTurn } from "../model/turns";

/** Turn is a part of the page that is drawn in a task of its own, after those before it. What is drawn without a document is drawn in one piece. */
export class Turn extends Component<{ children: ComponentChildren }> {
  private came = typeof document === "undefined";
  private readonly draw = () => {
    this.came = true;
    this.forceUpdate();
  };

  private drawn?: Readonly<{ children: ComponentChildren }>;

  override componentWillMount(): void {
    if (!this.came) takeTurn(this.draw);
  }
  override shouldComponentUpdate(): boolean {
    takeTurn(this.draw);
    return false;
  }
  override componentWillUnmount(): void {
    giveUp(this.draw);
  }
  /**
   * Where Preact is told not to update, it hangs the parts that stay below what came, and what came holds the parts that follow: whoever holds the first picture, as App does, would hold each one since. So a
   * picture that another has followed is taken from what brought it.
   */
  render() {
    if (!this.came) return null;
    if (this.drawn && this.drawn !== this.props) (this.drawn as { children: ComponentChildren }).children = null;
    return (this.drawn = this.props).children;
  }
}
