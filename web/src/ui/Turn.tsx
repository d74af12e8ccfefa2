import { Component, type ComponentChildren } from "preact";
import { giveUp, takeTurn } from "../model/turns";

/** Turn is a part of the page that is drawn in a task of its own, after those before it. What is drawn without a document is drawn in one piece. */
export class Turn extends Component<{ children: ComponentChildren }> {
  private came = typeof document === "undefined";
  private readonly draw = () => {
    this.came = true;
    this.forceUpdate();
  };

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
  render() {
    return this.came ? this.props.children : null;
  }
}
