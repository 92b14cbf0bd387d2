// Shortcuts that work anywhere. `g` and a letter goes to a page.

import { route } from '../state/route.svelte';
import { typing, ui } from '../state/ui.svelte';

const GO: Record<string, string> = { w: '/work', t: '/tasks', y: '/youtube', i: '/inbox', o: '/operations' };
let leader = 0;

export function onkey(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    ui.palette = !ui.palette;
    return;
  }
  if (!ui.singleKeys || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  const path = GO[event.key];
  if (path && Date.now() - leader < 1_500) {
    leader = 0;
    route.go(path);
  } else if (event.key === 'g') {
    leader = Date.now();
  } else if (event.key === '?') {
    ui.help = true;
  } else if (event.key === 'c' || event.key === '/') {
    if (route.now.page !== 'work') route.go('/work');
    ui.compose();
  } else {
    return;
  }
  event.preventDefault();
}
