// Reading what people paste.

const ID = /^[A-Za-z0-9_-]{11}$/;

/** The id of a video out of an id or any of YouTube's links. */
export function videoId(text: string): string | null {
  const trimmed = text.trim();
  if (ID.test(trimmed)) return trimmed;
  let url: URL;
  try {
    url = new URL(/^https?:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
  } catch {
    return null;
  }
  const host = url.hostname.replace(/^(www|m|music)\./, '');
  const pieces = url.pathname.split('/').filter(Boolean);
  let id: string | null | undefined;
  if (host === 'youtu.be') id = pieces[0];
  else if (host === 'youtube.com' || host === 'youtube-nocookie.com') {
    id = pieces[0] === 'watch' ? url.searchParams.get('v') : ['shorts', 'embed', 'live', 'v'].includes(pieces[0] ?? '') ? pieces[1] : null;
  }
  return id && ID.test(id) ? id : null;
}

/** Whether somebody meant a link, not words to search for. */
export function looksLikeLink(text: string): boolean {
  return /^https?:\/\/|youtu\.?be/i.test(text.trim());
}
