// A page that is served asks whether there is a newer one, and shows it.

const EVERY = 1500; // milliseconds

export function startLive() {
  const stamp = document.querySelector("meta[name=live]")?.content;
  if (!stamp) return;
  const ask = async () => {
    try {
      const now = await (await fetch("/stamp")).text();
      if (now !== stamp) return location.reload();
    } catch {
      return undefined; // the server has ended: the page stays as it is
    }
    return setTimeout(ask, EVERY);
  };
  setTimeout(ask, EVERY);
}
