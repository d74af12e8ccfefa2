// The video that trials send: a small moving picture, drawn here, so that nobody is asked for a camera.
import { every } from "./ticker";

const WIDTH = 160;
const HEIGHT = 120;
/** Enough to tell a flowing picture from a frozen one within a second; little enough for five encoders on an office laptop. */
const FPS = 10;

let users = 0;
let stream: MediaStream | null = null;
let stopDrawing = () => {};

/** canvasTrack is a track of its own for one trial, all drawn from one canvas. Give it back with release. */
export function canvasTrack(): { track: MediaStreamTrack; stream: MediaStream; release(): void } {
  stream ??= start();
  users++;
  const track = stream.getVideoTracks()[0]!.clone();
  return {
    track,
    stream,
    release() {
      track.stop();
      if (--users > 0) return;
      stopDrawing();
      stream?.getTracks().forEach((t) => t.stop());
      stream = null;
    },
  };
}

function start(): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const g = canvas.getContext("2d")!;
  let n = 0;
  const draw = () => {
    g.fillStyle = `hsl(${(n * 7) % 360} 60% 40%)`;
    g.fillRect(0, 0, WIDTH, HEIGHT);
    g.fillStyle = "white";
    g.fillRect((n * 5) % WIDTH, HEIGHT / 2 - 10, 20, 20);
    n++;
  };
  draw();
  const captured = canvas.captureStream(FPS);
  stopDrawing = every(1000 / FPS, draw);
  return captured;
}
