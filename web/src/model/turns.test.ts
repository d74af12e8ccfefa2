import { expect, test } from "vitest";
import { giveUp, takeTurn, whenDrawn } from "./turns";

const drawn = () => new Promise<void>((resolve) => whenDrawn(resolve));

test("draws one part a task, in the order in which they came", async () => {
  const seen: string[] = [];
  let inOneTask = 0;
  const part = (name: string) => () => {
    expect(inOneTask++).toBe(0);
    seen.push(name);
    queueMicrotask(() => (inOneTask = 0));
  };
  const [a, b, c] = [part("a"), part("b"), part("c")];
  takeTurn(a);
  takeTurn(b);
  takeTurn(c);
  takeTurn(a);
  expect(seen).toEqual([]);
  await drawn();
  expect(seen).toEqual(["a", "b", "c"]);
});

test("draws what a part brings with it before those after it, and leaves out who gave up", async () => {
  const seen: string[] = [];
  const gone = () => seen.push("gone");
  takeTurn(() => {
    seen.push("outer");
    queueMicrotask(() => takeTurn(() => seen.push("inner")));
  });
  takeTurn(gone);
  takeTurn(() => seen.push("next"));
  giveUp(gone);
  await drawn();
  expect(seen).toEqual(["outer", "inner", "next"]);
});
