// Snapshots as they come, the connection made anew when it breaks, and how old what is shown is.

const RETRY_MS = [500, 1000, 2000, 5000];
const STALE_MS = 3000;

// Calls onSnapshot(snapshot) for each, and onState({state, age_s}) four times a second: waiting, live, stale or lost.
// What `about` returns is told to the server: the instrument looked at, of which every snapshot then holds the details.
// Returns a function that asks anew.
export function follow(about, onSnapshot, onState) {
  let source = null, waiting = null, failures = 0, last = null, gap = 1000, open = false;

  function connect() {
    source = new EventSource(`events?instrument=${encodeURIComponent(about())}`);
    source.onopen = () => { open = true; };
    source.onmessage = (event) => {
      const now = performance.now();
      if (last !== null) gap = 0.8 * gap + 0.2 * (now - last);
      last = now;
      failures = 0;
      onSnapshot(JSON.parse(event.data));
      tell();
    };
    source.onerror = () => {
      open = false;
      source.close();
      clearTimeout(waiting);
      waiting = setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    };
  }

  function tell() {
    const age = last === null ? null : performance.now() - last;
    const late = age !== null && age > Math.max(STALE_MS, 4 * Math.min(gap, 60000));
    const state = last === null ? (failures ? "lost" : "waiting") : late ? (open ? "stale" : "lost") : "live";
    onState({ state, age_s: age === null ? null : age / 1000 });
  }

  connect();
  setInterval(tell, 250);
  return () => {
    clearTimeout(waiting);
    source.close();
    connect();
  };
}
