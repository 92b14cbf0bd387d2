// Which language the console speaks: the person's choice, else the browser's.

import { en, type Dictionary } from './en';
import { ko } from './ko';

export type Lang = 'en' | 'ko';
const dictionaries: Record<Lang, Dictionary> = { en, ko };

function initial(): Lang {
  const stored = typeof localStorage === 'undefined' ? null : localStorage.getItem('nexus-language');
  if (stored === 'en' || stored === 'ko') return stored;
  const spoken = typeof navigator === 'undefined' ? [] : navigator.languages;
  const first = spoken.find((tag) => /^(en|ko)\b/i.test(tag)) ?? 'en';
  return first.toLowerCase().startsWith('ko') ? 'ko' : 'en';
}

let lang = $state<Lang>(initial());

export const language = {
  get now(): Lang {
    return lang;
  },
  set(next: Lang): void {
    lang = next;
    localStorage.setItem('nexus-language', next);
  },
};

/** The words of the language spoken now. */
export function t(): Dictionary {
  return dictionaries[lang];
}

/** A thing that carries its title in both languages. */
export function titleOf(thing: { title_en: string; title_ko: string }): string {
  return lang === 'ko' ? thing.title_ko : thing.title_en;
}
