// What a person set for this browser.

import { language, type Lang } from '../i18n/index.svelte';

export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
  const value = localStorage.getItem('nexus-theme');
  return value === 'light' || value === 'dark' ? value : 'system';
}

let theme = $state<Theme>(stored());
let notify = $state(localStorage.getItem('nexus-notify') === 'yes');

function apply(): void {
  const root = document.documentElement;
  if (theme === 'system') root.removeAttribute('data-theme');
  else root.dataset['theme'] = theme;
  root.lang = language.now;
}

export const prefs = {
  get theme(): Theme {
    return theme;
  },
  setTheme(next: Theme): void {
    theme = next;
    localStorage.setItem('nexus-theme', next);
    apply();
  },
  setLanguage(next: Lang): void {
    language.set(next);
    apply();
  },
  /** Whether new asks may show as notifications of the browser. */
  get notify(): boolean {
    return notify && typeof Notification !== 'undefined' && Notification.permission === 'granted';
  },
  async setNotify(on: boolean): Promise<boolean> {
    if (on && typeof Notification !== 'undefined' && Notification.permission === 'default') {
      await Notification.requestPermission();
    }
    notify = on && typeof Notification !== 'undefined' && Notification.permission === 'granted';
    localStorage.setItem('nexus-notify', notify ? 'yes' : 'no');
    return notify;
  },
  apply,
};
