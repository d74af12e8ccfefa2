// The clock of the sampling. A hidden tab's own timers run once a second; a worker's do not.
let timer = 0;
onmessage = (e: MessageEvent<number>) => {
  clearInterval(timer);
  if (e.data > 0) timer = setInterval(() => postMessage(0), e.data) as unknown as number;
};
export {};
