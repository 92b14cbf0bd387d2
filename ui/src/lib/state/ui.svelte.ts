// What is open on top of the page, and wishes from one part of the page to another.

let palette = $state(false);
let help = $state(false);
let stopping = $state(false);
/** A command whose form the composer should open, and a count so that the same one can be wished twice. */
let wish = $state.raw<{ type: string | null; nth: number }>({ type: null, nth: 0 });
let correlation = $state<string | null>(null);
let singleKeys = $state(localStorage.getItem('nexus-single-keys') !== 'no');

export const ui = {
  get palette() { return palette; },
  set palette(open: boolean) { palette = open; },
  get help() { return help; },
  set help(open: boolean) { help = open; },
  get stopping() { return stopping; },
  set stopping(open: boolean) { stopping = open; },
  get wish() { return wish; },
  /** Brings the cursor into the composer, with a command's form or without. */
  compose(type: string | null = null): void {
    wish = { type, nth: wish.nth + 1 };
  },
  /** The timeline shows only what has this correlation id. */
  get correlation() { return correlation; },
  set correlation(id: string | null) { correlation = id; },
  get singleKeys() { return singleKeys; },
  set singleKeys(on: boolean) {
    singleKeys = on;
    localStorage.setItem('nexus-single-keys', on ? 'yes' : 'no');
  },
};

/** Whether a key press belongs to a field, or to an input method that is composing. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  if (event.isComposing || event.keyCode === 229) return true;
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null;
}
