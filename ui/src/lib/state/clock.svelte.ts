// The server's time, ticking once a second while somebody looks.

/** How long after the last sign of a person somebody counts as here. */
const ATTENDED_MS = 10 * 60_000;

class Clock {
  /** Server time minus this machine's, in ms. */
  offset = $state(0);
  /** The server's time in ms, to the second. */
  now = $state(Date.now());

  /** When somebody last did something here. */
  private touched = Date.now();

  /** Whether somebody is here. What the page asks for by itself would keep a forgotten session alive
      for ever; it asks only then. */
  get attended(): boolean {
    return Date.now() - this.touched < ATTENDED_MS;
  }

  constructor() {
    if (typeof document === 'undefined') return;
    for (const sign of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
      addEventListener(sign, () => (this.touched = Date.now()), { passive: true, capture: true });
    }
    setInterval(() => {
      if (!document.hidden) this.tick();
    }, 1_000);
    document.addEventListener('visibilitychange', () => this.tick());
  }

  /** Takes a fresh look: a countdown that begins should begin at its whole length. */
  tick(): void {
    this.now = Date.now() + this.offset;
  }
}

export const clock = new Clock();
