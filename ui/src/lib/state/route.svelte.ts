// Where the person is: `#/page/…`, with `?tenant=org:project` in links that are passed on.

export interface Place {
  page: 'work' | 'youtube' | 'inbox' | 'account' | 'welcome' | 'sign-in';
  /** `tasks`, `task`, `ask`, `run` on Work; the token on welcome. */
  part: string | null;
  id: string | null;
  query: URLSearchParams;
}

const PAGES = ['work', 'youtube', 'inbox', 'account', 'welcome', 'sign-in'];

export function parse(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [page = '', part, id] = path.split('/').map((piece) => {
    try {
      return decodeURIComponent(piece);
    } catch {
      return piece;
    }
  });
  const known = PAGES.includes(page) ? (page as Place['page']) : 'work';
  return { page: known, part: part || null, id: id || null, query: new URLSearchParams(search) };
}

let place = $state.raw<Place>(parse(location.hash));

addEventListener('hashchange', () => {
  place = parse(location.hash);
});

export const route = {
  get now(): Place {
    return place;
  },
  go(path: string): void {
    if (location.hash === `#${path}`) return;
    location.hash = path;
    // The event comes later; who goes somewhere is there at once.
    place = parse(location.hash);
  },
  /** Without a new entry in the browser's history. */
  replace(path: string): void {
    history.replaceState(null, '', `#${path}`);
    place = parse(location.hash);
  },
};
