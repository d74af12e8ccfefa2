import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentType } from "preact";

/** So far from the screen, it is fetched: whoever scrolls there does not wait for it. */
const AHEAD = "800px";

/** Later is a part of the page that is fetched when the reader comes near it, so that the first picture does not wait for it. Its place is kept by its class. */
export function Later<P extends object>({ load, place, props }: { load: () => Promise<{ default: ComponentType<P> }>; place: string; props: P }) {
  const [loaded, setLoaded] = useState<{ Part: ComponentType<P> } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let asked = false;
    const get = () => {
      if (asked) return;
      asked = true;
      watch.disconnect();
      load().then(({ default: Part }) => setLoaded({ Part }), () => (asked = false));
    };
    const watch = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && get(), { rootMargin: AHEAD });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={box} class={`later ${place}`}>
      {loaded && <loaded.Part {...props} />}
    </div>
  );
}
