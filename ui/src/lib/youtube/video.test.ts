import { expect, it } from 'vitest';
import { videoId } from './video';

it('reads every form in which a video is pasted', () => {
  for (const text of [
    'dQw4w9WgXcQ', 'https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3', 'youtu.be/dQw4w9WgXcQ?si=x',
    'https://m.youtube.com/shorts/dQw4w9WgXcQ', 'https://music.youtube.com/watch?list=a&v=dQw4w9WgXcQ',
    'https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ', ' https://youtube.com/live/dQw4w9WgXcQ ',
  ]) expect(videoId(text), text).toBe('dQw4w9WgXcQ');
});

it('takes nothing else for one', () => {
  for (const text of ['재즈 음악', 'https://evil.example/watch?v=dQw4w9WgXcQ', 'https://youtube.com/watch', 'short', 'https://notyoutube.com/embed/dQw4w9WgXcQ']) {
    expect(videoId(text), text).toBeNull();
  }
});
